// Finds the adapter of a URL's scheme, loading its package on demand.
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Adapter } from "../driver/driver.ts";
import { PolylogError } from "../errors.ts";
import { memoryAdapter } from "../memory/memory-driver.ts";

const OWN_PACKAGES: Readonly<Record<string, string>> = {
	kafka: "@polylog/kafka",
	amqp: "@polylog/rabbitmq",
	amqps: "@polylog/rabbitmq",
	redis: "@polylog/redis-streams",
	rediss: "@polylog/redis-streams",
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
		return await import(pathToFileURL(createRequire(join(cwd, "package.json")).resolve(name)).href);
	} catch (error) {
		if (!isNotFound(error, name)) throw error;
	}
	try {
		return await import(name);
	} catch (error) {
		if (isNotFound(error, name)) throw missingError(error);
		throw error;
	}
}

/** Whether it is this package that is missing, not something inside it. */
function isNotFound(error: unknown, name: string): boolean {
	if (!(error instanceof Error) || !error.message.includes(name)) return false;
	const code = (error as { code?: unknown }).code;
	return code === "MODULE_NOT_FOUND" || code === "ERR_MODULE_NOT_FOUND" || code === "ERR_PACKAGE_PATH_NOT_EXPORTED";
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
