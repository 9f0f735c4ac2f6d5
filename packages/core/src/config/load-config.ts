// Where the configuration comes from: the argument, else POLYLOG_URL, else polylog.config.* searched upwards.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { BrokerConfig, PolylogConfig } from "../api/broker.ts";
import { PolylogError } from "../errors.ts";

const FILES = ["ts", "js", "mjs", "json"].map((ending) => `polylog.config.${ending}`);

export interface Surroundings {
	readonly env: Readonly<Record<string, string | undefined>>;
	readonly cwd: string;
}

/** CONFIG_INVALID, naming the three places, if none says anything. */
export async function loadConfig(target: string | BrokerConfig | undefined, { env, cwd }: Surroundings): Promise<BrokerConfig> {
	if (typeof target === "string") return { url: target };
	if (target) return target;
	if (env["POLYLOG_URL"]) return { url: env["POLYLOG_URL"] };
	const file = findConfig(cwd);
	if (file) return chooseEnvironment(await readConfig(file), file, env["POLYLOG_ENV"]);
	throw invalid(
		`no backend is configured. Pass a URL to connect(), set POLYLOG_URL, or write polylog.config.ts (searched from ${cwd} upwards); "memory:" is the embedded one`,
	);
}

/** The identity, typed: for polylog.config.ts. */
export function defineConfig(config: PolylogConfig): PolylogConfig {
	return config;
}

function findConfig(start: string): string | undefined {
	for (let folder = start; ; folder = dirname(folder)) {
		const found = FILES.map((file) => join(folder, file)).find((file) => existsSync(file));
		if (found || dirname(folder) === folder) return found;
	}
}

async function readConfig(file: string): Promise<PolylogConfig> {
	try {
		if (file.endsWith(".json")) return JSON.parse(await readFile(file, "utf8")) as PolylogConfig;
		const module = (await import(pathToFileURL(file).href)) as { default?: PolylogConfig };
		if (!module.default) throw new Error("it has no default export");
		return module.default;
	} catch (error) {
		throw invalid(`${file} cannot be read: ${reasonOf(error, file)}`);
	}
}

function reasonOf(error: unknown, file: string): string {
	if (!(error instanceof Error)) return String(error);
	if (!file.endsWith(".json") || !(error instanceof SyntaxError)) return error.message;
	// The parser's own message quotes the text around the error, where a password may be.
	return `it is not JSON${/ at position \d+(?: \(line \d+ column \d+\))?/.exec(error.message)?.[0] ?? ""}`;
}

function chooseEnvironment(config: PolylogConfig, file: string, wanted: string | undefined): BrokerConfig {
	if (typeof config !== "object" || config === null) throw invalid(`${file} must export an object`);
	if (!("environments" in config)) {
		if (wanted) throw invalid(`POLYLOG_ENV is ${wanted}, but ${file} has no environments`);
		return requireUrl(config, file);
	}
	const environments = config.environments as Readonly<Record<string, BrokerConfig>>;
	if (typeof environments !== "object" || environments === null) throw invalid(`"environments" of ${file} must be an object`);
	// An empty POLYLOG_ENV is how compose files and shells say "none".
	const name = (wanted || undefined) ?? (config.default as string | undefined) ?? "default";
	const chosen = Object.hasOwn(environments, name) ? environments[name] : undefined;
	if (!chosen) throw invalid(`${file} has no environment "${name}" (POLYLOG_ENV); it has ${Object.keys(environments).join(", ")}`);
	return requireUrl(chosen, `${file}, environment ${name}`);
}

function requireUrl(config: BrokerConfig, where: string): BrokerConfig {
	if (typeof config.url !== "string") throw invalid(`${where} has no "url"`);
	return config;
}

function invalid(message: string): PolylogError {
	return new PolylogError("CONFIG_INVALID", message);
}
