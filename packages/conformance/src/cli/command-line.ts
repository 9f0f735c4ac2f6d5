// The arguments of `polylog-conformance`, and of the repository's own `npm run conformance`.
import { parseArgs, type ParseArgsConfig } from "node:util";

export interface CommandLine {
	/** What the checks run on; the caller says what it may be. */
	readonly broker: string;
	readonly seed?: string;
	/** Ids of checks, or themes; empty: all. */
	readonly only: readonly string[];
	/** Where the JSON report goes. */
	readonly report?: string;
	/** Product and version of the server, for the report. */
	readonly server?: string;
}

/** What is wrong with what was typed: to be printed without a stack. */
export class UsageError extends Error {
	override readonly name = "UsageError";
}

const OPTIONS = {
	broker: { type: "string" },
	seed: { type: "string" },
	only: { type: "string", multiple: true },
	report: { type: "string" },
	server: { type: "string" },
	help: { type: "boolean" },
} satisfies ParseArgsConfig["options"];

/** Throws UsageError. `--only` takes one id or several: after it, with commas, or repeated. */
export function parseCommandLine(args: readonly string[], usage: string): CommandLine {
	const { values, positionals } = parse(args, usage);
	if (values.help) throw new UsageError(usage);
	const only = [...(values.only ?? []), ...positionals].flatMap((ids) => ids.split(",")).filter((id) => id !== "");
	if (positionals.length > 0 && values.only === undefined) throw new UsageError(`${positionals.join(" ")}: what is this?\n${usage}`);
	if (values.broker === undefined) throw new UsageError(usage);
	return { broker: values.broker, only, ...pick(values, "seed"), ...pick(values, "report"), ...pick(values, "server") };
}

function parse(args: readonly string[], usage: string) {
	try {
		return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
	} catch (error) {
		throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
	}
}

function pick<K extends string>(values: { readonly [key in K]?: string | undefined }, key: K): { readonly [key in K]?: string } {
	return values[key] === undefined ? {} : ({ [key]: values[key] } as { readonly [key in K]: string });
}
