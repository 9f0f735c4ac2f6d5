// A container engine of the tests' own, for a Debian machine on which none answers: Debian's Docker, on its own data and socket.
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { canInstall, findProgram, installFromDebian } from "../debian.ts";
import { answers } from "./engine-api.ts";

/** Images stay here from run to run, for all checkouts of this machine. */
const DATA = process.env["POLYLOG_TEST_DOCKER_DATA"] ?? "/var/lib/polylog-docker";
const RUNTIME = "/run/polylog-docker";
const PID_FILE = join(RUNTIME, "docker.pid");
const LOG_FILE = join(RUNTIME, "docker.log");
const START_MS = 60_000;
const STOP_MS = 30_000;

export const DAEMON_HOST = `unix://${join(RUNTIME, "docker.sock")}`;

/** Why this machine cannot have one; undefined if it can. */
export function daemonObstacle(): string | undefined {
	return canInstall() ? undefined : "no container engine answers, and installing one is left to root on Debian";
}

/** Starts it in the background, installed first where it is missing; it outlives this process. Not to be called side by side. */
export async function startDaemon(): Promise<void> {
	const isMissing = () => !findProgram("dockerd") || !findProgram("containerd") || !findProgram("runc") || !findProgram("iptables");
	await installFromDebian(
		["docker.io", "containerd", "runc", "iptables"],
		isMissing,
		"no container engine answers: start Docker or name one in DOCKER_HOST",
	);
	console.log(`polylog: starting a container engine (dockerd on ${DATA})`);
	await mkdir(RUNTIME, { recursive: true });
	await mkdir(DATA, { recursive: true });
	// The machine's own /etc/docker/daemon.json is for the machine's own engine.
	await writeFile(join(DATA, "daemon.json"), "{}\n");
	await rm(PID_FILE, { force: true });
	const log = openSync(LOG_FILE, "w");
	const settings = [
		["--config-file", join(DATA, "daemon.json")],
		["--data-root", join(DATA, "data")],
		["--exec-root", join(RUNTIME, "exec")],
		["--pidfile", PID_FILE],
		["--host", DAEMON_HOST],
	];
	const child = spawn(findProgram("dockerd") ?? "dockerd", settings.flat(), { detached: true, stdio: ["ignore", log, log] });
	closeSync(log);
	child.unref();
	const failed = new Promise<never>((_, reject) => {
		child.once("error", reject);
		child.once("exit", (code, signal) => reject(new Error(`dockerd ended (${signal ?? code}):\n${logEnd()}`)));
	});
	await Promise.race([waitUntilItAnswers(), failed]);
	failed.catch(() => undefined);
}

/** Ends it if it runs. */
export async function stopDaemon(): Promise<void> {
	const pid = Number(await readFile(PID_FILE, "utf8").catch(() => ""));
	if (!pid || !isDaemon(pid)) return;
	process.kill(pid, "SIGTERM");
	const deadline = Date.now() + STOP_MS;
	while (isDaemon(pid) && Date.now() < deadline) await delay(50);
	if (isDaemon(pid)) process.kill(pid, "SIGKILL");
}

async function waitUntilItAnswers(): Promise<void> {
	const deadline = Date.now() + START_MS;
	while (!(await answers(DAEMON_HOST))) {
		if (Date.now() > deadline) throw new Error(`dockerd did not answer within ${START_MS} ms:\n${logEnd()}`);
		await delay(50);
	}
}

/** A number in an old file may be another program's by now. */
function isDaemon(pid: number): boolean {
	try {
		return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(PID_FILE);
	} catch {
		return false;
	}
}

function logEnd(): string {
	return readFileSync(LOG_FILE, "utf8").split("\n").slice(-15).join("\n");
}
