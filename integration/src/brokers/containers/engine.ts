// The container engine of a run: one that answers, else one that is started, and what a run leaves on it at its end.
import { homedir } from "node:os";
import { join } from "node:path";
import { withLock } from "../lock.ts";
import { DAEMON_HOST, daemonObstacle, startDaemon, stopDaemon } from "./daemon.ts";
import { answers, containersWith, removeContainer } from "./engine-api.ts";
import { endLease, leases, takeLease } from "./leases.ts";
import { currentRun, isAlive } from "./run.ts";

/** Every container of a run carries it; the value is the run. */
export const RUN_LABEL = "polylog.run";

let current: Promise<string> | undefined;

/** The engine's address, as DOCKER_HOST takes it; started where none answers. Rejects with what to do. */
export function engine(): Promise<string> {
	current ??= withLock("engine", findOrStart);
	return current;
}

/** Why no container can be had here; undefined if one can. Starts and installs nothing. */
export async function engineObstacle(): Promise<string | undefined> {
	if (await answering()) return undefined;
	const named = namedHost();
	return named ? `the container engine of DOCKER_HOST (${named}) does not answer` : daemonObstacle();
}

/** Whether one is there that no test run started. */
export async function engineAnswers(): Promise<boolean> {
	const host = await answering();
	return host !== undefined && host !== DAEMON_HOST;
}

/** Removes what the run left, and stops the engine if a run started it and none uses it any more. */
export async function endRun(run = currentRun()): Promise<void> {
	await withLock("engine", async () => {
		const all = await leases();
		const mine = all.find((lease) => lease.run === run);
		if (!mine) return;
		if (await answers(mine.host)) await removeWhere(mine.host, (owner) => owner === run);
		await endLease(run);
		const isUsed = all.some((lease) => lease.run !== run && lease.host === mine.host && isAlive(lease.run));
		if (mine.host === DAEMON_HOST && !isUsed) await stopDaemon();
	});
	current = undefined;
}

async function findOrStart(): Promise<string> {
	const obstacle = await engineObstacle();
	if (obstacle !== undefined) throw new Error(`no containers for the tests: ${obstacle}`);
	const found = await answering();
	if (!found) await startDaemon();
	const host = found ?? DAEMON_HOST;
	await takeLease({ run: currentRun(), host });
	await removeLeftovers(host);
	return host;
}

/** Of runs that ended without a chance to clean up. */
async function removeLeftovers(host: string): Promise<void> {
	const removed = await removeWhere(host, (run) => !isAlive(run));
	if (removed > 0) console.log(`polylog: removed ${removed} containers of runs that did not end in good order`);
	for (const { run } of await leases()) if (!isAlive(run)) await endLease(run);
}

async function removeWhere(host: string, isSuperfluous: (run: string) => boolean): Promise<number> {
	const found = (await containersWith(host, RUN_LABEL)).filter(({ labels }) => isSuperfluous(labels[RUN_LABEL] ?? ""));
	await Promise.all(found.map(({ id }) => removeContainer(host, id)));
	return found.length;
}

/** Our own is no choice of the user's, although children inherit it. */
function namedHost(): string | undefined {
	const named = process.env["DOCKER_HOST"];
	return named === undefined || named === "" || named === DAEMON_HOST ? undefined : named;
}

async function answering(): Promise<string | undefined> {
	const named = namedHost();
	const sockets = [
		"/var/run/docker.sock",
		join(process.env["XDG_RUNTIME_DIR"] ?? "/run", "docker.sock"),
		join(homedir(), ".docker/run/docker.sock"),
		join(homedir(), ".colima/default/docker.sock"),
	];
	const hosts = named ? [named] : [DAEMON_HOST, ...sockets.map((path) => `unix://${path}`)];
	const answered = await Promise.all(hosts.map(answers));
	return hosts.find((_, at) => answered[at]);
}
