import { findProgram } from "../debian.ts";

/** The docker command. Debian's first: another one that is first on the PATH may be made for another engine. */
export function dockerClient(): string {
	return findProgram("docker", ["/usr/bin"]) ?? "docker";
}
