import { type Clock, sleep } from "@polylog/core/driver";

/** How long the others may take once somebody has answered: a frozen server must not hold the answer up for long. */
const GRACE_MS = 1000;

/** What those asked said, as far as they answered in time; `errors` alone if nobody did. */
export async function gather<T>(
	clock: Clock,
	asked: readonly Promise<T>[],
): Promise<{ readonly answers: T[]; readonly errors: unknown[] }> {
	const answers: T[] = [];
	const errors: unknown[] = [];
	const all = asked.map((one) =>
		one.then(
			(answer) => void answers.push(answer),
			(error: unknown) => void errors.push(error),
		),
	);
	const end = new AbortController();
	const first = Promise.any(asked).then(() => sleep(clock, GRACE_MS, end.signal));
	await Promise.race([Promise.all(all), first.catch(() => Promise.all(all))]);
	end.abort();
	return { answers: [...answers], errors: [...errors] };
}
