// Which server is the primary, by the word of its sentinels.
import { PolylogError } from "@polylog/core/driver";
import { classify } from "../errors.ts";
import type { Address, Target } from "../options.ts";
import { addressText, askOnce } from "./client.ts";
import { gather } from "./gather.ts";
import type { Surroundings } from "./link.ts";

/**
 * Asks all, and believes the one that knows of the newest failover: one that was cut off may still name the primary
 * of before. Whether that server is a primary, its own connection checks.
 */
export async function askSentinels(surroundings: Surroundings, target: Target & { kind: "sentinel" }): Promise<Address> {
	const asked = target.sentinels.map((sentinel) => askSentinel(surroundings, sentinel, target.primary));
	const { answers, errors } = await gather(surroundings.clock, asked);
	const newest = answers.toSorted((a, b) => b.epoch - a.epoch)[0];
	if (newest) return newest.address;
	throw worthShowing(errors, target);
}

async function askSentinel(
	{ settings, clock }: Surroundings,
	address: Address,
	primary: string,
): Promise<{ readonly address: Address; readonly epoch: number }> {
	const { tls, sentinelUsername: username, sentinelPassword: password, connectTimeoutMs, commandTimeoutMs } = settings;
	const request = { address, tls, username, password, database: 0, name: undefined, connectTimeoutMs, commandTimeoutMs };
	const [master, at]: unknown[] = await askOnce(clock, request, (client) =>
		Promise.all([client.call("SENTINEL", "MASTER", primary), client.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", primary)]),
	);
	// MASTER tells the address of before and the new epoch until the other replicas follow the new primary, too.
	const [host, port] = Array.isArray(at) ? at.map(String) : [];
	if (host === undefined || !(Number(port) > 0))
		throw new TypeError(`the sentinel ${addressText(address)} does not say where "${primary}" is`);
	return { address: { host, port: Number(port) }, epoch: Number(pairs(master).get("config-epoch") ?? 0) };
}

function pairs(reply: unknown): ReadonlyMap<string, string> {
	const parts = Array.isArray(reply) ? reply.map(String) : [];
	return new Map(parts.flatMap((name, at) => (at % 2 === 0 ? [[name, parts[at + 1] ?? ""] as const] : [])));
}

/** A refusal says more than a sentinel that could not be reached. */
function worthShowing(errors: readonly unknown[], { primary, sentinels }: Target & { kind: "sentinel" }): unknown {
	const unknown = errors.find((error) => error instanceof Error && error.message.includes("No such master"));
	if (unknown) {
		const names = sentinels.map(addressText).join(", ");
		return new PolylogError("CONFIG_INVALID", `the sentinels ${names} know no primary called "${primary}"`, { cause: unknown });
	}
	return errors.find((error) => classify(error).code !== "CONNECTION_LOST") ?? errors[0];
}
