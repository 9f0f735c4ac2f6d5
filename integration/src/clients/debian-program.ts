// Command line clients that nobody here wrote: the machine's own, else Debian's.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

const APT = "/usr/bin/apt-get";

/** The path of a program. Installs the package of it where that can be done, else throws: a missing client is no reason to skip. */
export function debianProgram(program: string, packageName: string): string {
	const find = () =>
		(process.env["PATH"] ?? "")
			.split(delimiter)
			.map((folder) => join(folder, program))
			.find((file) => existsSync(file));
	const installed = find();
	if (installed !== undefined) return installed;
	if (process.platform !== "linux" || process.getuid?.() !== 0 || !existsSync(APT)) {
		throw new Error(`no ${program} for the interoperability tests: install it (Debian's package ${packageName})`);
	}
	console.log(`polylog: no ${program} on this machine; installing Debian's ${packageName} with apt-get`);
	const apt = (...args: string[]) =>
		execFileSync(APT, args, { stdio: "inherit", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
	apt("update", "-q");
	apt("install", "-y", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", packageName);
	const command = find();
	if (command === undefined) throw new Error(`apt-get installed ${packageName}, but ${program} is not on the PATH`);
	return command;
}
