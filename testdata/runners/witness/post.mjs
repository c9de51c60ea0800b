import { cpSync } from "node:fs";

const { GITHUB_WORKSPACE, LEFT, RUNNER_TEMP } = process.env;
cpSync(RUNNER_TEMP, `${LEFT}/temp`, { recursive: true });
cpSync(GITHUB_WORKSPACE, `${LEFT}/workspace`, { recursive: true });
