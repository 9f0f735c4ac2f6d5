// A failing plan made shorter: as few faults, members and messages as still break the same invariant.
import type { Plan } from "./plan.ts";

/** What a command can say to get the shortened plan again. */
export interface Cuts {
	/** Places of the faults that stay. */
	readonly faults?: readonly number[];
	/** Places of the members that take part. */
	readonly members?: readonly number[];
	readonly messages?: number;
	/** The network loses nothing. */
	readonly calm?: boolean;
}

export function cutPlan(plan: Plan, { faults, members, messages, calm = false }: Cuts): Plan {
	const taking = (place: number) => members === undefined || members.includes(place);
	return {
		...plan,
		faults: plan.faults.filter(
			(fault, place) => (faults === undefined || faults.includes(place)) && (!("member" in fault) || taking(fault.member)),
		),
		members: plan.members.map((member, place) => (taking(place) ? member : { ...member, startMs: undefined })),
		messages: messages ?? plan.messages,
		network: calm ? { ...plan.network, lostAnswers: 0, lateAppends: 0, lostAppends: 0 } : plan.network,
	};
}

/** The shortest cuts found under which `fails` still is true of the plan; tries at most `tries` plans. */
export async function shorten(plan: Plan, fails: (plan: Plan) => Promise<boolean>, tries = 80): Promise<Cuts> {
	let best: Cuts = {};
	let left = tries;
	const attempt = async (cuts: Cuts): Promise<boolean> => {
		if (left-- <= 0 || !(await fails(cutPlan(plan, cuts)))) return false;
		best = cuts;
		return true;
	};
	for (const list of ["faults", "members"] as const) {
		let kept = plan[list].map((_, place) => place);
		for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
			for (let from = 0; from < kept.length;) {
				const fewer = kept.toSpliced(from, size);
				const enough = list === "faults" || fewer.length > 0;
				if (enough && (await attempt({ ...best, [list]: fewer }))) kept = fewer;
				else from += size;
			}
		}
	}
	await attempt({ ...best, calm: true });
	for (let messages = Math.floor(plan.messages / 2); messages >= 1; messages = Math.floor(messages / 2))
		if (!(await attempt({ ...best, messages }))) break;
	return best;
}
