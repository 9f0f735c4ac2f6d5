import { describe, expect, it } from "vitest";
import { GroupWorld, type TestMember } from "../../test/group-journal/group-world.ts";
import { SeededRandom } from "../seeded-random.ts";

const SEEDS = 6;
const STEPS = 60;

/** Members that come, go, die, stop and go on; a broker that is away, forgets answers, doubles entries, fails over. */
class Chaos {
	readonly world: GroupWorld;
	readonly members: TestMember[] = [];
	readonly stopped = new Set<TestMember>();
	readonly violations: string[] = [];
	readonly #random: () => number;
	readonly #fences = new Map<string, bigint>();
	#born = 0;
	#next = 1n;

	readonly #cuts: boolean;

	constructor(seed: number, cuts: boolean) {
		this.#cuts = cuts;
		this.world = new GroupWorld({ seed, partitions: 6, timing: { snapshotBytes: 20_000, snapshotGrowth: 1 } });
		const random = new SeededRandom(seed);
		this.#random = () => random.fraction();
		this.world.broker.lostConfirms = this.#random() < 0.5 ? 0.2 : 0;
		this.world.broker.doubled = this.#random() < 0.5 ? 0.1 : 0;
	}

	async run(): Promise<void> {
		this.#join();
		for (let step = 0; step < STEPS; step++) {
			this.#act(Math.floor(this.#random() * 14));
			const ms = this.#random() * 3000;
			for (let passed = 0; passed < ms; passed += 50) {
				await this.world.time.pass(50);
				this.#look();
				this.#commit();
			}
		}
		this.world.broker.down = false;
		for (const member of this.stopped) member.process.continue();
		this.stopped.clear();
	}

	/** Two members never may start work on one partition at the same moment, and fences do not fall. */
	#look(): void {
		const owners = new Map<string, string>();
		for (const member of this.members) {
			if (this.stopped.has(member)) continue;
			for (const key of member.usable) {
				const { fence } = member.grant(key);
				if (owners.has(key)) this.violations.push(`${key} is usable by ${owners.get(key)} and ${member.name}`);
				// What nobody alive has read cannot be missed: after a cut an older fence may come again.
				if (!this.#cuts && fence < (this.#fences.get(key) ?? 0n)) this.violations.push(`the fence of ${key} fell at ${member.name}`);
				owners.set(key, member.name);
				this.#fences.set(key, fence);
			}
		}
	}

	#act(choice: number): void {
		const { broker } = this.world;
		const member = this.members[Math.floor(this.#random() * this.members.length)];
		if (choice < 3 && this.members.length < 8) return this.#join();
		if (!member) return this.#join();
		if (choice === 3 || !member.session) return this.#end(member, () => member.kill());
		if (choice === 4) return this.#end(member, () => void member.session?.leave({ drained: true }));
		if (choice < 7 && !this.stopped.has(member)) {
			member.process.stop();
			this.stopped.add(member);
		} else if (choice < 9) {
			for (const stopped of this.stopped) stopped.process.continue();
			this.stopped.clear();
		} else if (choice === 9) broker.down = !broker.down;
		else if (choice === 10) broker.down = false;
		else if (choice === 11) broker.connection++;
		else if (choice === 12 && this.#cuts) broker.journal("billing").cutBack(1 + Math.floor(this.#random() * 8));
	}

	#join(): void {
		this.members.push(this.world.member(`m${this.#born++}`));
	}

	#end(member: TestMember, how: () => void): void {
		how();
		this.stopped.delete(member);
		this.members.splice(this.members.indexOf(member), 1);
	}

	#commit(): void {
		const member = this.members[Math.floor(this.#random() * this.members.length)];
		if (!member || this.stopped.has(member)) return;
		const [key] = member.usable;
		if (key !== undefined) member.commit(key, this.#next++);
	}
}

async function survive(chaos: Chaos): Promise<void> {
	await chaos.run();
	if (chaos.members.length === 0) chaos.members.push(chaos.world.member("last"));
	await chaos.world.time.pass(100);
	await chaos.world.settled(chaos.members, 60_000);
	// The dead that owned nothing are expired too.
	await chaos.world.time.pass(20_000);
	expect(chaos.members.flatMap((member) => member.fatal)).toEqual([]);
	expect(chaos.members.map((member) => member.failure).filter(Boolean)).toEqual([]);
	const group = await chaos.world.run(chaos.world.coordinator().describe("billing"));
	expect(new Set(group?.members.map(({ id }) => id))).toEqual(new Set(chaos.members.map((member) => member.session?.memberId)));
}

const SEED_LIST = Array.from({ length: SEEDS }, (_, i) => i + 1);

describe("members and a broker in trouble", () => {
	it.each(SEED_LIST)("never own a partition twice, and settle when it is over (seed %i)", async (seed) => {
		const chaos = new Chaos(seed, false);
		await survive(chaos);
		expect(chaos.violations).toEqual([]);
		expect(chaos.world.errors).toEqual([]);
	});

	it.each(SEED_LIST)("also when the journal loses its tail now and then (seed %i)", async (seed) => {
		const chaos = new Chaos(seed, true);
		await survive(chaos);
		expect(chaos.violations).toEqual([]);
	});
});
