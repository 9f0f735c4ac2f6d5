// Members that come and go, and many of them.
import assert from "node:assert/strict";
import type { FaultCase } from "../fault-case.ts";
import { TAKEOVER_MS } from "../stage.ts";
import { slowest, slowestFair, takenOver } from "../takeover.ts";
import { delay, until } from "../waiting.ts";

const ALL = ["redis", "rabbitmq", "kafka"] as const;
const STORM_MS = 30_000;

export const rebalancingCases: readonly FaultCase[] = [
	{
		id: "F21",
		fault: `a member joins and leaves every 500 ms for ${STORM_MS / 1000} s, 8 partitions`,
		expected: "nothing lost or twice; nobody moves more than its join needs; flows in every 10 s afterwards",
		on: ALL,
		smoke: true,
		async run(stage) {
			await stage.make(8);
			const [a, b] = await Promise.all([stage.member("a"), stage.member("b")]);
			await stage.producer();
			await stage.shared([a, b], 8);
			const churn = await stage.member("churn", { churnMs: 500 });
			const at = Date.now();
			await delay(STORM_MS);
			churn.tell({ do: "stop" });
			await until(() => churn.notes("stopped").length > 0, "the storm is over", 60_000);
			const joins = churn.notes("joined").length;
			const moved = [a, b].flatMap(({ events }) =>
				events.flatMap((event) => (event.kind === "assigned" && event.at > at ? event.partitions : [])),
			);
			// Of 8 partitions among three, 3 at most go to the one that joins, and come back when it leaves.
			assert.ok(moved.length <= joins * 4, `${moved.length} partitions came back in ${joins} joins`);
			const calm = Date.now();
			await stage.shared([a, b], 8);
			for (const window of [0, 1]) {
				await delay(5000);
				const since = calm + window * 5000;
				assert.ok([...a.started(since), ...b.started(since)].length > 0, "nothing flows after the storm");
			}
			return `${joins} joins, ${moved.length} partitions given back`;
		},
	},
	{
		id: "F22",
		fault: "fifty members join at once (five processes with ten connections each), 60 partitions",
		expected: "each partition gets one owner, shares differ by one, within two sessions of the last join",
		on: ALL,
		smoke: true,
		rssLimitMb: 500,
		async run(stage) {
			await stage.make(60);
			const sessionTimeoutMs = 15_000;
			const start = Date.now();
			const crowds = await Promise.all(["a", "b", "c", "d", "e"].map((name) => stage.member(name, { crowd: 10, sessionTimeoutMs })));
			const joined = () => crowds.flatMap((crowd) => crowd.notes("joined"));
			await until(
				() => joined().length === 50,
				() => `all have joined (${joined().length} have)`,
				120_000,
			);
			const last = Math.max(...joined().map(({ at }) => at));
			const shares = () => crowds.flatMap((crowd) => crowd.shares());
			const spread = () =>
				shares()
					.toSorted((x, y) => x - y)
					.join("");
			const even = `${"1".repeat(40)}${"2".repeat(10)}`;
			await until(
				() => spread() === even,
				() => `the partitions are shared (${spread()})`,
				4 * sessionTimeoutMs,
			);
			const took = Date.now() - last;
			assert.ok(took <= 2 * sessionTimeoutMs, `sharing took ${took} ms after the last join`);
			await stage.producer();
			await stage.handled(200);
			return `joined in ${last - start} ms, shared ${took} ms later`;
		},
	},
	{
		id: "F23",
		fault: "three members for one partition; the owner is killed",
		expected: "the idle ones hold nothing and complain of nothing; one of them takes over",
		on: ["memory", ...ALL],
		smoke: false,
		async run(stage) {
			await stage.make(1);
			const members = await Promise.all(["a", "b", "c"].map((name) => stage.member(name)));
			await stage.producer("p", { rate: 60 });
			await stage.handled(50);
			const owner = members.find((member) => member.owned().length === 1);
			assert.ok(owner);
			const heirs = members.filter((member) => member !== owner);
			assert.deepEqual(
				heirs.flatMap((heir) => [...heir.owned(), ...heir.notes("error")]),
				[],
			);
			const orphans = owner.owned();
			const at = Date.now();
			await owner.kill();
			const taken = await takenOver({ victim: owner, heirs, orphans, at }, TAKEOVER_MS);
			assert.ok(slowestFair(taken) <= TAKEOVER_MS, `the take-over took ${slowest(taken)} ms`);
			return `taken over in ${slowest(taken)} ms`;
		},
	},
	{
		id: "F24",
		fault: "two processes with one instanceId",
		expected: "the older one ends with MEMBER_REPLACED; the newer one goes on",
		on: ALL,
		smoke: false,
		async run(stage) {
			await stage.make();
			const older = await stage.member("older", { instanceId: "till-1" });
			await stage.producer();
			await stage.handled(100);
			const newer = await stage.member("newer", { instanceId: "till-1" });
			const end = () => older.events.find((event) => event.kind === "ended");
			await until(
				() => end() !== undefined,
				() => `the older one ends (${older.tail()})`,
				60_000,
			);
			const event = end();
			assert.deepEqual(event?.kind === "ended" ? [event.how, event.reason] : [], ["failed", "MEMBER_REPLACED"]);
			await until(() => newer.owned().length === 4 && newer.started().length > 20, "the newer one owns everything", 60_000);
			return "MEMBER_REPLACED";
		},
	},
];
