// Finds the adapter of a URL's scheme, loading its package on demand.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Adapter } from "../driver/driver.ts";
import { isPolylogError, PolylogError } from "../errors.ts";
import { memoryAdapter } from "../memory/memory-driver.ts";

const OWN_PACKAGES: Readonly<Record<string, string>> = {
	kafka: "@polylog/kafka",
	amqp: "@polylog/rabbitmq",
	amqps: "@polylog/rabbitmq",
	redis: "@polylog/redis-streams",
	rediss: "@polylog/redis-streams",
	"redis+cluster": "@polylog/redis-streams",
	"rediss+cluster": "@polylog/redis-streams",
	"redis+sentinel": "@polylog/redis-streams",
	"rediss+sentinel": "@polylog/redis-streams",
};

export async function loadAdapter(scheme: string, configured: Readonly<Record<string, string | Adapter>>, cwd: string): Promise<Adapter> {
	if (scheme === "memory" && !Object.hasOwn(configured, "memory")) return memoryAdapter;
	const chosen = Object.hasOwn(configured, scheme) ? configured[scheme] : undefined;
	if (chosen && typeof chosen !== "string") return chosen;
	const known = Object.hasOwn(OWN_PACKAGES, scheme) ? OWN_PACKAGES[scheme] : undefined;
	const name = chosen ?? known ?? `polylog-adapter-${scheme}`;
	const module = await importPackage(name, cwd, missing(scheme, name, chosen !== undefined || known !== undefined));
	const adapter = (module as { adapter?: Adapter }).adapter;
	if (typeof adapter?.create !== "function")
		throw new PolylogError("ADAPTER_MISSING", `the package ${name}, for ${scheme}: URLs, does not export an \`adapter\``);
	return adapter;
}

/** From the application's folder first: there its own dependencies are, wherever this package lies. */
async function importPackage(name: string, cwd: string, missingError: (cause: unknown) => PolylogError): Promise<unknown> {
	try {
		const found = resolveFrom(cwd, name);
		if (found !== undefined) return await import(pathToFileURL(found).href);
		if (/^[./]/.test(name)) throw missingError(undefined);
		return await import(name);
	} catch (error) {
		if (isPolylogError(error)) throw error;
		if (isNotFound(error, name)) throw missingError(error);
		const reason = error instanceof Error ? error.message : String(error);
		throw new PolylogError("ADAPTER_MISSING", `the package ${name} is installed and cannot be loaded: ${reason}`, { cause: error });
	}
}

function resolveFrom(cwd: string, name: string): string | undefined {
	const { resolve } = createRequire(join(cwd, "package.json"));
	try {
		return resolve(name);
	} catch (error) {
		if ((error as { code?: unknown }).code !== "ERR_PACKAGE_PATH_NOT_EXPORTED") return undefined;
	}
	// A package that only `import` may load: its own package.json says where it begins.
	const folder = resolve.paths(name)?.find((folder) => existsSync(join(folder, name, "package.json")));
	if (folder === undefined) return undefined;
	const { exports } = JSON.parse(readFileSync(join(folder, name, "package.json"), "utf8")) as { exports?: unknown };
	const entry = entryOf(exports);
	return entry && join(folder, name, entry);
}

function entryOf(exports: unknown): string | undefined {
	if (typeof exports === "string") return exports;
	if (typeof exports !== "object" || exports === null) return undefined;
	const chosen = Object.entries(exports).filter(([condition]) => [".", "node", "import", "module-sync", "default"].includes(condition));
	return chosen.map(([, target]) => entryOf(target)).find((entry) => entry !== undefined);
}

/** Whether it is this package that is missing, not something inside it. */
function isNotFound(error: unknown, name: string): boolean {
	if (!(error instanceof Error)) return false;
	const packageName = name
		.split("/")
		.slice(0, name.startsWith("@") ? 2 : 1)
		.join("/");
	const code = (error as { code?: unknown }).code;
	return (code === "MODULE_NOT_FOUND" || code === "ERR_MODULE_NOT_FOUND") && error.message.includes(`'${packageName}'`);
}

function missing(scheme: string, name: string, expected: boolean): (cause: unknown) => PolylogError {
	return (cause) => {
		const schemes = ["memory", ...Object.keys(OWN_PACKAGES)].join(", ");
		const message = expected
			? `URLs of ${scheme}: need the package ${name}, which is not installed: npm install ${name}`
			: `unknown scheme "${scheme}:" — known are ${schemes}; for another one install ${name}, or name its package under \`adapters\` in polylog.config`;
		return new PolylogError("ADAPTER_MISSING", message, { cause });
	};
}
