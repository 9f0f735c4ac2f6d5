// Reads an adapter's options from the URL's query and the configuration, once for all adapters.
import { PolylogError } from "../errors.ts";
import type { AdapterTarget } from "./driver.ts";

export interface OptionSpec {
	readonly kind: "string" | "number" | "boolean" | "object";
	/** For numbers: the least value allowed. */
	readonly min?: number;
	/** For strings: the values allowed. */
	readonly values?: readonly string[];
}

/** The options given, checked and typed by `specs`; the configuration's value wins over the URL's. */
export function readOptions(
	adapter: string,
	target: AdapterTarget,
	specs: Readonly<Record<string, OptionSpec>>,
): Readonly<Record<string, unknown>> {
	const given = new Map<string, unknown>([...target.url.params, ...Object.entries(target.options)]);
	const options: Record<string, unknown> = {};
	for (const [name, value] of given) {
		const spec = Object.hasOwn(specs, name) ? specs[name] : undefined;
		if (!spec) throw invalid(`${adapter} has no option "${name}"; it knows ${Object.keys(specs).join(", ")}`);
		if (value !== undefined) options[name] = readOption(adapter, name, value, spec);
	}
	return options;
}

function readOption(adapter: string, name: string, value: unknown, spec: OptionSpec): unknown {
	if (spec.kind === "number") {
		const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
		const min = spec.min ?? 0;
		if (typeof number !== "number" || !Number.isFinite(number) || number < min)
			throw invalid(`${adapter} option "${name}" must be a number of at least ${min}`);
		return number;
	}
	if (spec.kind === "boolean") {
		if (value === true || value === "true" || value === "") return true;
		if (value === false || value === "false") return false;
		throw invalid(`${adapter} option "${name}" must be true or false`);
	}
	if (typeof value !== spec.kind || value === null) throw invalid(`${adapter} option "${name}" must be a ${spec.kind}`);
	if (spec.values && !spec.values.includes(value as string))
		throw invalid(`${adapter} option "${name}" must be one of ${spec.values.join(", ")}`);
	return value;
}

function invalid(message: string): PolylogError {
	return new PolylogError("CONFIG_INVALID", message);
}
