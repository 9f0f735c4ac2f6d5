#!/usr/bin/env node
// `npx polylog-conformance --broker URL`: the kit for whoever writes an adapter, without a test runner.
import { main } from "./cli/main.ts";

process.exitCode = await main(process.argv.slice(2), {
	out: (line) => process.stdout.write(`${line}\n`),
	error: (line) => process.stderr.write(`${line}\n`),
});
