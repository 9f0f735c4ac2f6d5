// Command line clients that nobody here wrote: the machine's own, else Debian's.
import { findProgram, installFromDebian } from "../brokers/debian.ts";

/** The path of a program, installed if need be. Rejects where it cannot be had: a missing client is no reason to skip. */
export async function debianProgram(program: string, packageName: string): Promise<string> {
	const remedy = `no ${program} for the interoperability tests: install it (Debian's package ${packageName})`;
	await installFromDebian([packageName], () => findProgram(program) === undefined, remedy);
	return findProgram(program) ?? program;
}
