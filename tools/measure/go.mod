module github.com/regpass/regpass/tools/measure

go 1.26.8
