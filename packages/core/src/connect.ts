// From a configuration to a connected broker.
import { hostname } from "node:os";
import { abortedError } from "./aborted.ts";
import type { Broker, BrokerConfig } from "./api/broker.ts";
import { Backend } from "./backend.ts";
import { missingCapabilities } from "./capabilities.ts";
import { type Clock, type Random, systemClock, systemRandom } from "./clock.ts";
import { parseBackendUrl } from "./config/backend-url.ts";
import { loadAdapter } from "./config/load-adapter.ts";
import { loadConfig } from "./config/load-config.ts";
import { ConnectedBroker } from "./connected-broker.ts";
import { wrapDriverError } from "./driver-errors.ts";
import type { Adapter } from "./driver/driver.ts";
import type { BackendUrl } from "./driver/backend-url.ts";
import { isPolylogError, PolylogError } from "./errors.ts";
import { stderrLog } from "./log.ts";
import { Secret } from "./secret.ts";

export interface ConnectOptions {
	readonly signal?: AbortSignal;
}

/** What a simulator replaces. */
export interface Runtime {
	readonly clock: Clock;
	readonly random: Random;
}

const SECRET_NAME = /password|secret|token|passphrase/i;
const SECRET_DEPTH = 4;
const OWN_KEYS = new Set(["url", "adapters", "require", "clientId", "log"]);

/**
 * Connects to the backend that the configuration names: `target`, else POLYLOG_URL, else polylog.config.{ts,js,mjs,json}.
 *
 * Rejects with CONFIG_INVALID, ADAPTER_MISSING, UNSUPPORTED (`require`), CONNECTION_LOST, UNAUTHORIZED, …; each error
 * names the remedy, and none shows a credential.
 */
export function connect(target?: string | BrokerConfig, options: ConnectOptions = {}): Promise<Broker> {
	return connectWith({ clock: systemClock, random: systemRandom }, target, options);
}

export async function connectWith(
	runtime: Runtime,
	target?: string | BrokerConfig,
	options: ConnectOptions = {},
): Promise<ConnectedBroker> {
	if (options.signal?.aborted) throw abortedError(options.signal, "connecting");
	const surroundings = { env: process.env, cwd: process.cwd() };
	const config = await loadConfig(target, surroundings);
	const url = parseBackendUrl(config.url);
	const adapter = await loadAdapter(url.scheme, config.adapters ?? {}, surroundings.cwd);
	checkKeys(config, adapter);
	const log = config.log ?? stderrLog;
	const clientId = config.clientId ?? `${hostname()}-${process.pid}`;
	const driver = adapter.create({ url, options: adapterOptions(config, adapter) }, { ...runtime, log, clientId });
	const secrets = secretsOf(url, adapterOptions(config, adapter));
	try {
		await driver.connect(options.signal);
	} catch (error) {
		driver.destroy();
		if (options.signal?.aborted) throw abortedError(options.signal, `connecting to ${url.display}`);
		throw isPolylogError(error) ? error : wrapDriverError(driver, error, `connecting to ${url.display}`, {}, secrets);
	}
	// Asked after connecting: some capabilities, such as durability, depend on how the broker is set up.
	const lacking = missingCapabilities(driver.capabilities, config.require ?? []);
	if (lacking.length > 0) {
		driver.destroy();
		throw new PolylogError("UNSUPPORTED", `${driver.name} at ${url.display} lacks what the application requires: ${lacking.join(", ")}`);
	}
	return new ConnectedBroker(new Backend({ driver, ...runtime, log, clientId, secrets, display: url.display }));
}

function checkKeys(config: BrokerConfig, adapter: Adapter): void {
	const unknown = Object.keys(config).filter((key) => !OWN_KEYS.has(key) && key !== adapter.name && typeof config[key] !== "object");
	if (unknown.length > 0)
		throw new PolylogError(
			"CONFIG_INVALID",
			`the configuration has no option ${unknown.join(", ")}; options of the backend go under "${adapter.name}"`,
		);
}

function adapterOptions(config: BrokerConfig, adapter: Adapter): Readonly<Record<string, unknown>> {
	const own = config[adapter.name] ?? {};
	if (typeof own !== "object" || Array.isArray(own))
		throw new PolylogError("CONFIG_INVALID", `the option "${adapter.name}" must be an object`);
	return own as Readonly<Record<string, unknown>>;
}

/** Everything that must never be printed: the URL's password, and adapter options that are called so. */
function secretsOf(url: BackendUrl, options: Readonly<Record<string, unknown>>): Secret[] {
	const params = [...url.params].filter(([name]) => SECRET_NAME.test(name)).map(([, value]) => new Secret(value));
	return [...(url.password ? [url.password] : []), ...secretsIn(options), ...params];
}

/** At any depth an adapter's options may have (`sasl: { password }`). */
function secretsIn(options: object, depth = 1): Secret[] {
	return Object.entries(options).flatMap(([name, value]: [string, unknown]) => {
		if (typeof value === "string") return SECRET_NAME.test(name) ? [new Secret(value)] : [];
		return typeof value === "object" && value !== null && depth < SECRET_DEPTH ? secretsIn(value, depth + 1) : [];
	});
}
