// The command: from its arguments to its exit code.
import { parseBackendUrl } from "@polylog/core/testing";
import { parseCommandLine, UsageError } from "./command-line.ts";
import { harnessOf } from "./harness-of-url.ts";
import { runAndPrint } from "./run-and-print.ts";

const USAGE = `polylog-conformance --broker URL [--seed SEED] [--only ID…] [--report FILE] [--server "Product 1.2"]

  --broker   whatever connect() takes: memory:, redis://…, amqp://…, kafka://…, or the scheme of an installed adapter
  --seed     repeats a run: names and random inputs follow from it
  --only     ids of checks, or themes: commits, commits.visible
  --report   writes the report as JSON
  --server   the server's product and version, for the report

Ends with 0 if nothing is broken, else with 1.`;

export interface Terminal {
	readonly out: (line: string) => void;
	readonly error: (line: string) => void;
}

/** Resolves to the exit code: 0 if nothing is broken, 1 if something is, 2 if the kit could not run. */
export async function main(args: readonly string[], { out, error }: Terminal): Promise<0 | 1 | 2> {
	try {
		const { broker, server, ...options } = parseCommandLine(args, USAGE);
		const harness = await harnessOf({ url: broker }, server === undefined ? {} : { server });
		const command = `polylog-conformance --broker ${parseBackendUrl(broker).display}`;
		const { results } = await runAndPrint(harness, { ...options, command, print: out });
		return results.some(({ status }) => status === "broken") ? 1 : 0;
	} catch (reason) {
		error(reason instanceof UsageError ? reason.message : String(reason));
		return 2;
	}
}
