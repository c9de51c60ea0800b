package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"time"
)

var loginPage = regexp.MustCompile(`http://127\.0\.0\.1:\d+/auth/cli/login/[0-9a-f-]{36}`)

// approve waits until the file names a login page, then does there what a person with a browser would.
func approve(file, key string) error {
	limit := time.After(20 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-limit:
			return errors.New("no login page was named")
		case <-tick.C:
			text, _ := os.ReadFile(file)
			page := loginPage.Find(text)
			if page == nil {
				continue
			}
			answer, err := http.PostForm(string(page), url.Values{"key": {key}})
			if err != nil {
				return err
			}
			defer answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				return fmt.Errorf("the login page answered %s", answer.Status)
			}
			return nil
		}
	}
}
