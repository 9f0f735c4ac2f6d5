// Situations that random plans meet too rarely: each is a plan made by hand, varied by its seed.
import { CALM, type Fault, makePlan, type Plan, SeededRandom } from "@polylog/testing/world";

const SESSION_MS = 2000;

type Make = (random: SeededRandom) => Partial<Plan> & { readonly faults: readonly Fault[] };

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
		};
		return { ...calm, ...rest, faults: faults.toSorted((a, b) => a.atMs - b.atMs), healMs: rest.healMs ?? 20_000 };
	};
}

export const scenarios: ReadonlyMap<string, (seed: number) => Plan> = new Map([
	[
		"late-copies",
		scenario((random) => ({
			network: { ...CALM, lateAppends: 0.3, lateMs: 12_000 },
			faults: Array.from({ length: 6 }, (_, i): Fault => ({
				atMs: 2000 + i * 2500,
				kind: "crash",
				member: random.integer(0, 2),
				restartMs: 200,
			})),
		})),
	],
	[
		"resets-of-a-busy-group",
		scenario((random) => ({
			network: { ...CALM, latencyMs: [5, 120], lateAppends: 0.2, lateMs: 3000 },
			handlerMs: [0, 3],
			faults: Array.from({ length: 16 }, (_, i): Fault =>
				// While entries are not durable an administrator repeats its own.
				i % 4 === 0
					? { atMs: 2400 + i * 900, kind: "not-durable", ms: 2500 }
					: { atMs: 2500 + i * 900, kind: "reset", back: random.integer(1, 6), times: 2 },
			),
		})),
	],
	[
		"back-in-the-nick-of-time",
		scenario((random) => ({
			network: { ...CALM, latencyMs: [20, 300] },
			faults: Array.from({ length: 7 }, (_, i): Fault => ({
				atMs: 2500 + i * 2500,
				kind: "pause",
				member: i % 3,
				ms: SESSION_MS + random.integer(-400, 500),
			})),
		})),
	],
	[
		"joins-under-a-plan",
		scenario((random) => ({
			network: { ...CALM, latencyMs: [50, 400] },
			faults: Array.from({ length: 6 }, (_, i): Fault => ({
				atMs: 1500 + i * 2500,
				kind: "storm",
				members: random.integer(3, 6),
				stayMs: 1500,
				crash: false,
			})),
		})),
	],
	[
		"outages",
		scenario((random) => ({
			faults: Array.from({ length: 3 }, (_, i): Fault => ({
				atMs: 2500 + i * 6000,
				kind: "outage",
				ms: SESSION_MS * random.between(1.1, 2),
			})),
		})),
	],
	[
		"pauses",
		scenario((random) => ({
			// So that a pause often comes between an entry and its reading back.
			network: { ...CALM, latencyMs: [40, 160] },
			handlerMs: [0, 5],
			messages: 300,
			faults: Array.from({ length: 5 }, (_, i): Fault => ({
				atMs: 2500 + i * 3500,
				kind: "pause",
				member: random.integer(0, 2),
				ms: SESSION_MS * random.between(1.1, 2),
			})),
		})),
	],
	[
		"silent-links",
		scenario((random) => ({
			handlerMs: [0, 5],
			messages: 300,
			faults: Array.from({ length: 4 }, (_, i): Fault => ({
				atMs: 2500 + i * 4500,
				kind: "cut",
				member: random.integer(0, 2),
				how: random.pick(["silence", "deaf", "reset"]),
				ms: SESSION_MS * random.between(1.2, 2),
			})),
		})),
	],
	[
		"mixed-sessions",
		scenario((random) => ({
			members: [2000, 9000, 9000].map((sessionTimeoutMs) => ({
				startMs: random.integer(0, 300),
				sessionTimeoutMs,
				instanceId: undefined,
				drift: 0,
			})),
			faults: [],
		})),
	],
	[
		"slow-handlers-and-joins",
		scenario((random) => ({
			handlerMs: [100, 700],
			messages: 50,
			faults: Array.from({ length: 4 }, (_, i): Fault => ({
				atMs: 2500 + i * 4000,
				kind: "storm",
				members: random.integer(1, 3),
				stayMs: 2000,
				crash: false,
			})),
		})),
	],
	[
		"closing-past-the-deadline",
		scenario((random) => ({
			handlerMs: [1000, 4000],
			messages: 16,
			faults: Array.from({ length: 4 }, (_, i): Fault => ({
				atMs: 3000 + i * 4000,
				kind: "leave",
				member: random.integer(0, 2),
				restartMs: 1000,
				deadlineMs: 100,
			})),
		})),
	],
	[
		"short-journals",
		scenario((random) => ({
			snapshotBytes: 1500,
			network: { ...CALM, lateAppends: 0.1, lateMs: 6000 },
			faults: Array.from({ length: 6 }, (_, i): Fault => ({
				atMs: 3000 + i * 2500,
				kind: "crash",
				member: random.integer(0, 2),
				restartMs: 500,
			})),
		})),
	],
	[
		"fail-overs-that-lose-records",
		scenario((random) => ({
			handlerMs: [0, 3],
			messages: 200,
			faults: Array.from({ length: 5 }, (_, i): Fault => ({
				atMs: 3000 + i * 3000,
				kind: "fail-over",
				entriesLost: random.integer(0, 1),
				recordsLost: random.integer(1, 3),
			})),
		})),
	],
	[
		"fail-overs-of-the-journal",
		scenario((random) => ({
			faults: Array.from({ length: 4 }, (_, i): Fault => ({
				atMs: 3000 + i * 4000,
				kind: "fail-over",
				entriesLost: random.integer(1, 12),
				recordsLost: 0,
			})),
		})),
	],
	[
		"fifty-at-once",
		scenario(() => ({ partitions: 60, faults: [{ atMs: 3000, kind: "storm", members: 50, stayMs: 4000, crash: false }], healMs: 8000 })),
	],
]);
