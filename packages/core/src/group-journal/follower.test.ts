import { beforeEach, describe, expect, it } from "vitest";
import { Journal } from "../../test/group-journal/entries.ts";
import { SimulatedBroker } from "../../test/group-journal/simulated-store.ts";
import { Process, VirtualTime } from "../../test/group-journal/virtual-clock.ts";
import { entryDigest } from "./chain.ts";
import { Follower } from "./follower.ts";
import { isPlaceLost } from "./place.ts";
import { dumpState } from "./snapshot.ts";
import { DEFAULT_TIMING } from "./timing.ts";
import { SeededRandom } from "../seeded-random.ts";

const random = new SeededRandom(1);
const never = new AbortController().signal;

let time: VirtualTime;
let broker: SimulatedBroker;
let journal: Journal;
let stored: number;

beforeEach(() => {
	time = new VirtualTime();
	broker = new SimulatedBroker(random);
	journal = new Journal();
	stored = 0;
	journal.join("a");
	journal.by("a", { type: "topics", counts: [["t", 2]] });
	journal.plan("a", { "t/0": "a", "t/1": "a" });
	store();
});

/** Puts what was written since into the log. */
function store(): void {
	for (const bytes of journal.entries.slice(stored)) broker.journal("g").append(bytes);
	stored = journal.entries.length;
}

function snapshot(): void {
	const at = broker.journal("g").entries.at(-1);
	journal.append({
		kind: "snapshot",
		nonce: "s",
		asOf: at?.position ?? 0n,
		digest: entryDigest(at?.bytes ?? new Uint8Array()),
		state: journal.state,
	});
	store();
}

async function run<T>(promise: Promise<T>): Promise<T> {
	let over = false;
	promise.then(
		() => (over = true),
		() => (over = true),
	);
	await time.until(() => over, 60_000);
	return promise;
}

async function follower(): Promise<Follower> {
	const process = new Process(time);
	const log = await broker.store(process).open("g");
	return new Follower(log, { group: "g", clock: process.clock, random, timing: DEFAULT_TIMING });
}

describe("a follower", () => {
	it("reads a complete log from its first entry", async () => {
		const reader = await follower();
		await run(reader.boot(never));
		expect(dumpState(reader.state)).toBe(dumpState(journal.state));
	});

	it("reads a log without its beginning from a snapshot, to the same state", async () => {
		for (let i = 0; i < 5; i++) journal.by("a");
		store();
		const at = broker.journal("g").entries.at(-1)?.position ?? 0n;
		snapshot();
		journal.join("b");
		store();
		broker.journal("g").truncateBefore(at);
		const reader = await follower();
		await run(reader.boot(never));
		expect(dumpState(reader.state)).toBe(dumpState(journal.state));
	});

	it("does not use a snapshot of an entry that it has not read itself", async () => {
		snapshot();
		const late = broker.journal("g").entries.at(-1)?.bytes ?? new Uint8Array();
		for (let i = 0; i < 5; i++) journal.by("a");
		journal.appendBytes(late);
		store();
		broker.journal("g").truncateBefore(broker.journal("g").entries.at(-2)?.position ?? 0n);
		const reader = await follower();
		await expect(run(reader.boot(never))).rejects.toMatchObject({ code: "JOURNAL_UNUSABLE" });
	});

	it("does not use a snapshot of another entry at the same position", async () => {
		const at = broker.journal("g").entries.at(-1)?.position ?? 0n;
		journal.append({ kind: "snapshot", nonce: "s", asOf: at, digest: 12_345, state: journal.state });
		store();
		broker.journal("g").truncateBefore(at);
		const reader = await follower();
		await expect(run(reader.boot(never))).rejects.toMatchObject({ code: "JOURNAL_UNUSABLE" });
	});

	it("catches up to the tail, and notices that its place is gone", async () => {
		const reader = await follower();
		await run(reader.boot(never));
		journal.join("b");
		store();
		await run(reader.catchUp(never));
		expect([...reader.state.members.keys()]).toEqual(["a", "b"]);
		broker.journal("g").cutBack(1);
		const lost: unknown = await run(reader.catchUp(never)).catch((error: unknown) => error);
		expect(isPlaceLost(lost)).toBe(true);
		await run(reader.boot(never));
		expect([...reader.state.members.keys()]).toEqual(["a"]);
	});

	it("notices that only the entry at its place came again, behind another one", async () => {
		const reader = await follower();
		await run(reader.boot(never));
		journal.by("a");
		journal.by("a");
		store();
		await run(reader.catchUp(never));
		const again = broker.journal("g").entries.at(-1)?.bytes ?? new Uint8Array();
		broker.journal("g").cutBack(2);
		journal.join("b");
		store();
		broker.journal("g").append(again);
		broker.connection++;
		const lost: unknown = await run(reader.catchUp(never)).catch((error: unknown) => error);
		expect(isPlaceLost(lost)).toBe(true);
	});

	it("goes on after a new connection where nothing is lost, also if retention has removed what it read", async () => {
		const reader = await follower();
		await run(reader.boot(never));
		for (let i = 0; i < 50; i++) journal.by("a");
		store();
		await run(reader.catchUp(never));
		broker.connection++;
		journal.join("b");
		store();
		await run(reader.catchUp(never));
		broker.connection++;
		broker.journal("g").truncateBefore(broker.journal("g").entries.at(-3)?.position ?? 0n);
		journal.join("c");
		store();
		await run(reader.catchUp(never));
		expect(dumpState(reader.state)).toBe(dumpState(journal.state));
	});
});
