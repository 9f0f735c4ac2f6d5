import { setTimeout as delay } from "node:timers/promises";

export interface Logged {
	/** All of its output, earlier starts' too. */
	readonly logs: () => string;
	/** How often it has been started: every start but this one has said it already. */
	readonly starts: number;
}

/** Waits until a server has said that it is up as often as it was started; gives the version its output names. */
export async function untilLogged({ logs, starts }: Logged, said: RegExp, version: RegExp, withinMs: number): Promise<string> {
	const deadline = Date.now() + withinMs;
	const times = new RegExp(said, "g");
	while ((logs().match(times)?.length ?? 0) < starts) {
		if (Date.now() > deadline) throw new Error(`${said} was not logged within ${withinMs} ms:\n${logs().slice(-2000)}`);
		await delay(50);
	}
	return version.exec(logs())?.[1] ?? "unknown";
}
