// Programs that are not on this machine, and on Debian can be installed by root.
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { run } from "./command.ts";
import { withLock } from "./lock.ts";

const APT = "/usr/bin/apt-get";
/** Where Debian keeps servers' programs; not on everybody's PATH. */
const SYSTEM_FOLDERS = ["/usr/sbin", "/sbin"];

export function findProgram(name: string, folders: readonly string[] = []): string | undefined {
	const path = (process.env["PATH"] ?? "").split(delimiter);
	return [...folders, ...path, ...SYSTEM_FOLDERS].map((folder) => join(folder, name)).find((file) => existsSync(file));
}

export function canInstall(): boolean {
	return process.platform === "linux" && process.getuid?.() === 0 && existsSync(APT);
}

/** Installs what `isMissing` finds missing, after saying so; rejects with `remedy` where that cannot be done. */
export async function installFromDebian(packages: readonly string[], isMissing: () => boolean, remedy: string): Promise<void> {
	if (!isMissing()) return;
	if (!canInstall()) throw new Error(remedy);
	await withLock("apt", async () => {
		// Whoever held the lock may have installed the same.
		if (!isMissing()) return;
		console.log(`polylog: installing with apt-get: ${packages.join(" ")}`);
		const env = { DEBIAN_FRONTEND: "noninteractive" };
		const wait = ["-o", "DPkg::Lock::Timeout=300"];
		// A list that cannot be had (somebody's extra source) must not be in the way of those that can.
		await run([APT, "update", "-q"], { env }).catch((error: unknown) => console.log(`polylog: apt-get update: ${String(error)}`));
		await run([APT, "install", "-y", "-q", "--no-install-recommends", ...wait, ...packages], { env });
		if (isMissing()) throw new Error(`apt-get installed ${packages.join(", ")}, but the programs are not on the PATH`);
	});
}
