// Credentials that are taken away while they are in use.
import assert from "node:assert/strict";
import type { FaultCase } from "../fault-case.ts";
import type { Stage } from "../stage.ts";
import { delay, until } from "../waiting.ts";
import { controlOf, redisOf } from "./operating.ts";

/** Must be nowhere in what is told. */
const CANARY = "canary-7fQ%2z";
const AWAY_MS = 8000;

interface Account {
	readonly url: string;
	/** Takes the password away, and the connections with it. */
	revoke(): Promise<void>;
	restore(): Promise<void>;
	remove(): Promise<void>;
}

const withUser = (url: string, user: string) => url.replace("://", `://${user}:${encodeURIComponent(CANARY)}@`);

async function redisAccount(stage: Stage, user: string): Promise<Account> {
	const redis = redisOf(await stage.connect());
	const set = (...rules: string[]) => redis.acl("SETUSER", user, "on", "resetpass", ...rules, "~*", "&*", "+@all");
	await set(`>${CANARY}`);
	return {
		url: withUser(stage.server.url, user),
		async revoke() {
			await set(">another");
			await redis.client("KILL", "USER", user);
		},
		restore: async () => void (await set(`>${CANARY}`)),
		remove: async () => void (await redis.acl("DELUSER", user)),
	};
}

async function rabbitmqAccount(stage: Stage, user: string): Promise<Account> {
	const control = controlOf(stage);
	await control("add_user", user, CANARY);
	await control("set_permissions", user, ".*", ".*", ".*");
	return {
		url: withUser(stage.server.url, user),
		async revoke() {
			await control("change_password", user, "another");
			await control("close_all_user_connections", user, "revoked");
		},
		restore: async () => void (await control("change_password", user, CANARY)),
		remove: async () => void (await control("delete_user", user)),
	};
}

export const credentialCases: readonly FaultCase[] = [
	{
		id: "F45",
		fault: `the password of a member and a producer is changed and their connections are closed, for ${AWAY_MS / 1000} s`,
		expected:
			"sends fail and the member ends with UNAUTHORIZED (or waits); no hot loop; no word of the password anywhere; with the password back sends go on and members join",
		on: ["redis", "rabbitmq"],
		smoke: false,
		mayStoreTwice: true,
		async run(stage) {
			await stage.make();
			const account = await (stage.backend === "redis" ? redisAccount : rabbitmqAccount)(stage, `app-${stage.random.name()}`);
			const a = await stage.member("a", { url: account.url });
			const b = await stage.member("b");
			const p = await stage.producer("p", { url: account.url, deliveryTimeoutMs: 3000 });
			await stage.shared([a, b]);
			await stage.handled(100);
			const at = Date.now();
			// Longer than its session: it counts as dead.
			a.abandoned(at);
			await account.revoke();
			await delay(AWAY_MS);
			const back = Date.now();
			const codes = new Set(p.notes("not-sent", at).map(({ detail }) => detail ?? ""));
			const lines = [a, p].flatMap((player) => player.notes("log-warn", at)).length;
			await account.restore();
			assert.ok(
				[...codes].some((code) => code.includes("UNAUTHORIZED")),
				`sends failed with ${[...codes].join(", ")}`,
			);
			assert.ok(lines <= (2 * 6 * AWAY_MS) / 1000, `${lines} warnings in ${AWAY_MS} ms`);
			await until(
				() => p.receipts(back).ok > 20,
				() => `the producer goes on (${p.tail()})`,
				60_000,
			);
			const end = () => a.events.find((event) => event.kind === "ended" && event.how === "failed");
			await until(
				() => end() !== undefined || a.started(back).length > 10,
				() => `the member ends or goes on (${a.tail()})`,
				60_000,
			);
			const event = end();
			if (event?.kind === "ended") assert.match(event.reason ?? "", /UNAUTHORIZED/);
			const c = await stage.member("c", { url: account.url });
			await until(
				() => c.started().length > 10,
				() => `a new member works (${c.tail()})`,
				60_000,
			);
			await Promise.all([a.close(), c.close(), p.close()]);
			await account.remove();
			for (const player of stage.players) {
				const told = `${JSON.stringify(player.events, (_, value: unknown) => (typeof value === "bigint" ? `${value}` : value))}${player.body.said()}`;
				for (const form of [CANARY, encodeURIComponent(CANARY), Buffer.from(CANARY).toString("base64").slice(0, -2)])
					assert.equal(told.includes(form), false, `${player.name} told the password`);
			}
			return `sends: ${[...codes].join(", ")}; the member ${event ? "ended with UNAUTHORIZED" : "went on"}; ${lines} warnings`;
		},
	},
];
