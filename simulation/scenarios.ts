// Situations that random plans meet too rarely: each is a plan made by hand, varied by its seed.
import { CALM, EVERYTHING, type Fault, makePlan, type Plan, SeededRandom } from "@polylog/testing/world";

const SESSION_MS = 2000;

type Make = (random: SeededRandom) => Partial<Plan> & { readonly faults: readonly Fault[] };
/** A fault without its time. */
type Harm = Fault extends infer F ? (F extends Fault ? Omit<F, "atMs"> : never) : never;

/** `count` faults, the first at `fromMs`, one every `everyMs`. */
function series(count: number, fromMs: number, everyMs: number, harm: (i: number) => Harm): Fault[] {
	return Array.from({ length: count }, (_, i) => ({ atMs: fromMs + i * everyMs, ...harm(i) }));
}

const oneOfThree = (random: SeededRandom) => random.integer(0, 2);

const MAKES: Readonly<Record<string, Make>> = {
	"late-copies": (random) => ({
		network: { ...CALM, lateAppends: 0.3, lateMs: 12_000 },
		faults: series(6, 2000, 2500, () => ({ kind: "crash", member: oneOfThree(random), restartMs: 200 })),
	}),
	"resets-of-a-busy-group": (random) => ({
		network: { ...CALM, latencyMs: [5, 120], lateAppends: 0.2, lateMs: 3000 },
		handlerMs: [0, 3],
		// While entries are not durable an administrator repeats its own.
		faults: [
			...series(4, 2400, 3600, () => ({ kind: "not-durable", ms: 2500 })),
			...series(16, 2500, 900, () => ({ kind: "reset", back: random.integer(1, 6), times: 2 })).filter((_, i) => i % 4 !== 0),
		],
	}),
	"back-in-the-nick-of-time": (random) => ({
		network: { ...CALM, latencyMs: [20, 300] },
		faults: series(7, 2500, 2500, (i) => ({ kind: "pause", member: i % 3, ms: SESSION_MS + random.integer(-400, 500) })),
	}),
	"joins-under-a-plan": (random) => ({
		network: { ...CALM, latencyMs: [50, 400] },
		faults: series(6, 1500, 2500, () => ({ kind: "storm", members: random.integer(3, 6), stayMs: 1500, crash: false })),
	}),
	outages: (random) => ({
		faults: series(3, 2500, 6000, () => ({ kind: "outage", ms: SESSION_MS * random.between(1.1, 2) })),
	}),
	pauses: (random) => ({
		// So that a pause often comes between an entry and its reading back.
		network: { ...CALM, latencyMs: [40, 160] },
		handlerMs: [0, 5],
		messages: 300,
		faults: series(5, 2500, 3500, () => ({ kind: "pause", member: oneOfThree(random), ms: SESSION_MS * random.between(1.1, 2) })),
	}),
	"silent-links": (random) => ({
		handlerMs: [0, 5],
		messages: 300,
		faults: series(4, 2500, 4500, () => ({
			kind: "cut",
			member: oneOfThree(random),
			how: random.pick(["silence", "deaf", "reset"]),
			ms: SESSION_MS * random.between(1.2, 2),
		})),
	}),
	"mixed-sessions": (random) => ({
		members: [2000, 9000, 9000].map((sessionTimeoutMs) => ({
			startMs: random.integer(0, 300),
			sessionTimeoutMs,
			instanceId: undefined,
			drift: 0,
		})),
		faults: [],
	}),
	"slow-handlers-and-joins": (random) => ({
		handlerMs: [100, 700],
		messages: 50,
		faults: series(4, 2500, 4000, () => ({ kind: "storm", members: random.integer(1, 3), stayMs: 2000, crash: false })),
	}),
	"closing-past-the-deadline": (random) => ({
		handlerMs: [1000, 4000],
		messages: 16,
		faults: series(4, 3000, 4000, () => ({ kind: "leave", member: oneOfThree(random), restartMs: 1000, deadlineMs: 100 })),
	}),
	"short-journals": (random) => ({
		snapshotBytes: 1500,
		network: { ...CALM, lateAppends: 0.1, lateMs: 6000 },
		faults: series(6, 3000, 2500, () => ({ kind: "crash", member: oneOfThree(random), restartMs: 500 })),
	}),
	"fail-overs-that-lose-records": (random) => ({
		handlerMs: [0, 3],
		messages: 200,
		faults: series(5, 3000, 3000, () => ({
			kind: "fail-over",
			entriesLost: random.integer(0, 1),
			recordsLost: random.integer(1, 3),
		})),
	}),
	"fail-overs-of-the-journal": (random) => ({
		faults: series(4, 3000, 4000, () => ({ kind: "fail-over", entriesLost: random.integer(1, 12), recordsLost: 0 })),
	}),
	"entries-sent-again": (random) => ({
		members: Array.from({ length: 3 }, () => ({
			startMs: random.integer(0, 300),
			sessionTimeoutMs: SESSION_MS,
			instanceId: undefined,
			drift: 0,
		})),
		partitions: 3,
		network: { ...CALM, latencyMs: [2, 40], lateAppends: 0.5, lateMs: 600, lostAnswers: 0.2 },
		handlerMs: [0, 3],
		messages: 500,
		faults: series(16, 2000, 1300, () => ({ kind: "fail-over", entriesLost: random.integer(1, 4), recordsLost: 0 })),
		healMs: 24_000,
	}),
	"a-journal-made-again": (random) => ({
		faults: series(3, 3000 + random.integer(0, 2000), 5000, () => ({ kind: "fail-over", entriesLost: EVERYTHING, recordsLost: 0 })),
	}),
	"a-topic-made-again": (random) => ({
		faults: series(3, 3000 + random.integer(0, 2000), 5000, () => ({ kind: "fail-over", entriesLost: 0, recordsLost: EVERYTHING })),
	}),
	"fifty-at-once": () => ({
		partitions: 60,
		faults: [{ atMs: 3000, kind: "storm", members: 50, stayMs: 4000, crash: false }],
		healMs: 8000,
	}),
	batches: (random) => ({
		taking: ["batches"],
		handlerFailures: 0.1,
		messages: 200,
		faults: [
			...series(3, 2500, 5000, () => ({ kind: "crash", member: oneOfThree(random), restartMs: 500 })),
			...series(3, 5000, 5000, () => ({ kind: "leave", member: oneOfThree(random), restartMs: 500, deadlineMs: 30_000 })),
		],
	}),
	"loops-that-are-left": (random) => ({
		taking: ["iterator"],
		handlerFailures: 0.1,
		faults: [
			...series(3, 2500, 5000, () => ({ kind: "crash", member: oneOfThree(random), restartMs: 500 })),
			...series(3, 5000, 5000, () => ({ kind: "leave", member: oneOfThree(random), restartMs: 500, deadlineMs: 30_000 })),
		],
	}),
	"hung-handlers": (random) => ({
		maxHandlerMs: 500,
		taking: [random.pick(["run", "run", "batches", "iterator"])],
		messages: 150,
		faults: series(5, 2500, 3000, () => ({ kind: "stall", member: oneOfThree(random), ms: random.integer(3000, 5000) })),
	}),
	seeks: (random) => ({
		taking: ["run", "batches", "iterator"],
		handlerMs: [20, 200],
		messages: 250,
		order: random.pick(["partition", "key"]),
		seekWhenAssigned: 0.5,
		faults: [
			...series(12, 2000, 1200, () => ({ kind: "seek", member: oneOfThree(random), back: random.integer(0, 8) })),
			...series(3, 4000, 5000, () => ({ kind: "crash", member: oneOfThree(random), restartMs: 500 })),
		],
	}),
	"from-the-latest": (random) => ({
		from: "latest",
		messages: 200,
		network: { ...CALM, latencyMs: [5, 60] },
		faults: [
			...series(5, 700, 1500, () => ({ kind: "crash", member: oneOfThree(random), restartMs: 100 })),
			...series(2, 5000, 5000, () => ({ kind: "grow", by: 2 })),
		],
	}),
	twins: (random) => ({
		members: [0, 1, 2].map((i) => ({
			startMs: random.integer(0, 200),
			sessionTimeoutMs: SESSION_MS,
			instanceId: i < 2 ? `static-${i}` : undefined,
			drift: 0,
		})),
		faults: [
			...series(4, 2500, 4000, () => ({ kind: "twin", member: random.integer(0, 1) })),
			...series(3, 2000, 4000, () => ({ kind: "pause", member: random.integer(0, 1), ms: SESSION_MS * random.between(0.5, 2) })),
		],
	}),
	"take-overs": (random) => ({
		faults: series(3, 4000, 14_000, () => ({ kind: "crash", member: oneOfThree(random), restartMs: 5500 })),
		healMs: 40_000,
	}),
};

function scenario(make: Make): (seed: number) => Plan {
	return (seed) => {
		const random = new SeededRandom(seed, "scenario");
		const { faults, ...rest } = make(random);
		const base = makePlan(seed, { members: 3, partitions: 4, sessionTimeoutMs: SESSION_MS, messages: 60 });
		const calm: Plan = {
			...base,
			members: base.members.map((member) => ({ ...member, startMs: random.integer(0, 200), instanceId: undefined, drift: 0 })),
			network: CALM,
			handlerMs: [0, 20],
			handlerFailures: 0,
			order: "partition",
			snapshotBytes: 1 << 20,
			from: "earliest",
			taking: ["run"],
			maxHandlerMs: undefined,
			seekWhenAssigned: 0,
		};
		return { ...calm, ...rest, faults: faults.toSorted((a, b) => a.atMs - b.atMs), healMs: rest.healMs ?? 20_000 };
	};
}

export const scenarios: ReadonlyMap<string, (seed: number) => Plan> = new Map(
	Object.entries(MAKES).map(([name, make]) => [name, scenario(make)]),
);
