// What happens in one simulated run, decided by its seed before anything runs: who takes part, what the network is like,
// and which faults come when. A plan with fewer faults or members is a plan too; that is how a failing one is shortened.
import { SeededRandom } from "@polylog/core/testing";
import type { Cut } from "./link.ts";
import type { NetworkOptions } from "./simulated-broker.ts";

export interface MemberPlan {
	/** `undefined`: it does not take part. */
	readonly startMs: number | undefined;
	readonly sessionTimeoutMs: number;
	/** Static membership. */
	readonly instanceId: string | undefined;
	readonly drift: number;
}

/** `member` is the place in `Plan.members`; times are virtual milliseconds. */
export type Fault = { readonly atMs: number } & (
	| { readonly kind: "crash"; readonly member: number; readonly restartMs: number | undefined }
	| { readonly kind: "leave"; readonly member: number; readonly restartMs: number | undefined; readonly deadlineMs: number }
	| { readonly kind: "pause"; readonly member: number; readonly ms: number }
	| { readonly kind: "cut"; readonly member: number; readonly how: Cut; readonly ms: number }
	| { readonly kind: "stall"; readonly member: number; readonly ms: number }
	| { readonly kind: "wall-clock"; readonly member: number; readonly ms: number }
	| { readonly kind: "outage"; readonly ms: number }
	| { readonly kind: "slow"; readonly factor: number; readonly ms: number }
	| { readonly kind: "not-durable"; readonly ms: number }
	| { readonly kind: "fail-over"; readonly entriesLost: number; readonly recordsLost: number }
	| { readonly kind: "storm"; readonly members: number; readonly stayMs: number; readonly crash: boolean }
	| { readonly kind: "grow"; readonly by: number }
	| { readonly kind: "reset"; readonly back: number; readonly times: number }
	/** The member goes back by so many messages on one of its partitions. */
	| { readonly kind: "seek"; readonly member: number; readonly back: number }
	/** Another process starts with the same `instanceId`, if the member has one. */
	| { readonly kind: "twin"; readonly member: number }
);

export type FaultKind = Fault["kind"];

/** How a member takes messages. */
export type Taking = "run" | "batches" | "iterator";

export interface Plan {
	readonly seed: number;
	readonly partitions: number;
	readonly members: readonly MemberPlan[];
	readonly faults: readonly Fault[];
	/** From then on nothing goes wrong any more. */
	readonly healMs: number;
	readonly network: NetworkOptions;
	readonly idempotent: boolean;
	readonly positionGaps: boolean;
	/** A journal snapshot is due after so many bytes. */
	readonly snapshotBytes: number;
	/** Handling one message takes this long. */
	readonly handlerMs: readonly [number, number];
	/** Chance that a handler throws at first. */
	readonly handlerFailures: number;
	readonly order: "partition" | "key";
	readonly producers: number;
	/** Messages of each producer. */
	readonly messages: number;
	/** Where the group starts on a partition. */
	readonly from: "earliest" | "latest";
	/** Every process takes messages in one of these ways. */
	readonly taking: readonly Taking[];
	readonly maxHandlerMs: number | undefined;
	/** Chance that a member goes back on a partition that it is given, before anything of it is delivered. */
	readonly seekWhenAssigned: number;
}

/** Faults that a consumer group must survive on any backend; `fail-over` with losses is for logs that lose their tail. */
export const EVERYDAY_FAULTS: readonly FaultKind[] = [
	"crash",
	"crash",
	"leave",
	"pause",
	"pause",
	"cut",
	"stall",
	"wall-clock",
	"outage",
	"slow",
	"storm",
	"grow",
];

export const ALL_FAULTS: readonly FaultKind[] = [...EVERYDAY_FAULTS, "reset", "reset", "not-durable", "fail-over", "seek", "seek", "twin"];

/** Of a fail-over: the whole log, as if it had been deleted and made again. */
export const EVERYTHING = 1_000_000;

export interface PlanOptions {
	/** Drawn from, so that one named twice comes twice as often. */
	readonly faults?: readonly FaultKind[];
	/** Chance that fail-overs lose entries and records. */
	readonly losses?: number;
	readonly members?: number;
	readonly partitions?: number;
	readonly messages?: number;
	readonly sessionTimeoutMs?: number;
	readonly handlerMs?: readonly [number, number];
	readonly order?: "partition" | "key";
}

const FAULTS_FROM_MS = 1500;
const FAULTS_FOR_MS = 22_000;

export function makePlan(seed: number, options: PlanOptions = {}): Plan {
	const random = new SeededRandom(seed, "plan");
	const session = options.sessionTimeoutMs ?? random.pick([2000, 2000, 3000, 4000]);
	const count = options.members ?? random.pick([1, 2, 2, 3, 3, 4, 5]);
	const mixed = random.chance(0.2);
	const staticShare = random.pick([0, 0, 0, 0.5, 1]);
	const drift = random.pick([0, 0, 0.01, 0.05]);
	const members = Array.from({ length: count }, (_, i): MemberPlan => ({
		startMs: random.chance(0.5) ? 0 : random.integer(0, 6000),
		sessionTimeoutMs: options.sessionTimeoutMs ?? (mixed ? random.pick([2000, 4000, 8000]) : session),
		instanceId: random.chance(staticShare) ? `static-${i}` : undefined,
		drift: random.between(-drift, drift),
	}));
	const losses = random.chance(options.losses ?? 0);
	const faults = Array.from({ length: random.integer(2, 9) }, () =>
		makeFault(random, options.faults ?? ALL_FAULTS, session, count, losses),
	);
	const calm = random.chance(0.3);
	return {
		seed,
		partitions: options.partitions ?? random.pick([1, 2, 3, 4, 6]),
		members,
		faults: faults.toSorted((a, b) => a.atMs - b.atMs),
		healMs: Math.max(...faults.map(endOf)) + 100,
		network: {
			latencyMs: random.pick([
				[0.3, 2],
				[0.3, 2],
				[1, 20],
				[5, 80],
			]),
			lostAnswers: calm ? 0 : random.pick([0, 0.02, 0.1, 0.3]),
			lateAppends: calm ? 0 : random.pick([0, 0.01, 0.1]),
			lateMs: random.pick([1000, 5000, 15_000]),
			lostAppends: calm ? 0 : random.pick([0, 0.02, 0.1]),
		},
		idempotent: random.chance(0.7),
		positionGaps: random.chance(0.5),
		snapshotBytes: random.pick([2000, 6000, 1 << 20]),
		handlerMs:
			options.handlerMs ??
			random.pick([
				[0, 5],
				[0, 5],
				[1, 50],
				[20, 400],
			] as const),
		handlerFailures: random.pick([0, 0, 0.05]),
		order: options.order ?? random.pick(["partition", "partition", "key"]),
		producers: random.pick([1, 1, 2]),
		messages: options.messages ?? random.integer(30, 120),
		// A group from the latest that loses its journal has to be told where to go on: see the scenarios.
		from: losses ? "earliest" : random.pick(["earliest", "earliest", "latest"]),
		taking: random.pick<readonly Taking[]>([["run"], ["run"], ["run", "batches", "iterator"], ["batches"], ["iterator"]]),
		maxHandlerMs: random.pick([undefined, undefined, 1500]),
		seekWhenAssigned: random.pick([0, 0, 0.3]),
	};
}

function makeFault(random: SeededRandom, kinds: readonly FaultKind[], session: number, members: number, losses: boolean): Fault {
	const atMs = Math.round(FAULTS_FROM_MS + random.fraction() * FAULTS_FOR_MS);
	const member = random.integer(0, members - 1);
	/** From a blink to more than a session. */
	const lasting = () => Math.round(session * random.pick([0.1, 0.5, 0.9, 1.1, 1.5, 3]) * random.between(0.8, 1.2));
	const restart = () => (random.chance(0.8) ? random.pick([20, 500, 5000]) : undefined);
	const kind = random.pick(kinds);
	switch (kind) {
		case "crash":
			return { atMs, kind, member, restartMs: restart() };
		case "leave":
			return { atMs, kind, member, restartMs: restart(), deadlineMs: random.pick([200, 30_000, 30_000]) };
		case "pause":
		case "stall":
			return { atMs, kind, member, ms: lasting() };
		case "cut":
			return { atMs, kind, member, how: random.pick<Cut>(["reset", "silence", "deaf"]), ms: lasting() };
		case "wall-clock":
			return { atMs, kind, member, ms: random.pick([-3_600_000, -5000, 5000, 3_600_000]) };
		case "outage":
		case "not-durable":
			return { atMs, kind, ms: lasting() };
		case "slow":
			return { atMs, kind, factor: random.pick([5, 20, 100]), ms: lasting() };
		case "fail-over":
			return {
				atMs,
				kind,
				entriesLost: losses ? random.pick([0, 1, 3, 10, EVERYTHING]) : 0,
				recordsLost: losses ? random.pick([0, 0, 1, 4, EVERYTHING]) : 0,
			};
		case "storm":
			return {
				atMs,
				kind,
				members: random.chance(0.05) ? 50 : random.integer(2, 8),
				stayMs: random.pick([200, 2000, 6000]),
				crash: random.chance(0.3),
			};
		case "grow":
			return { atMs, kind, by: random.integer(1, 3) };
		case "reset":
			return { atMs, kind, back: random.integer(0, 12), times: random.integer(1, 3) };
		case "seek":
			return { atMs, kind, member, back: random.integer(0, 12) };
		case "twin":
			return { atMs, kind, member };
	}
}

/** When it is over, a restart included. */
export function endOf(fault: Fault): number {
	const ms = "ms" in fault && fault.kind !== "wall-clock" ? fault.ms : 0;
	const restart = "restartMs" in fault ? (fault.restartMs ?? 0) : 0;
	return fault.atMs + ms + restart + ("stayMs" in fault ? fault.stayMs : 0);
}
