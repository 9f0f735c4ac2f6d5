// Which runs use which engine: the last one to end stops the engine that a run started.
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

const FOLDER = join(tmpdir(), `polylog-containers-${userInfo().uid}`);

export interface Lease {
	readonly run: string;
	/** The engine's address. */
	readonly host: string;
}

const fileOf = (run: string) => join(FOLDER, `${encodeURIComponent(run)}.json`);

export async function takeLease(lease: Lease): Promise<void> {
	await mkdir(FOLDER, { recursive: true });
	await writeFile(fileOf(lease.run), JSON.stringify(lease));
}

export async function endLease(run: string): Promise<void> {
	await rm(fileOf(run), { force: true });
}

export async function leases(): Promise<Lease[]> {
	const files = await readdir(FOLDER).catch(() => []);
	const read = files.map(async (file) => {
		// One that has just been ended, or is just being written, is nobody's.
		const text = await readFile(join(FOLDER, file), "utf8").catch(() => "");
		return text === "" ? [] : [JSON.parse(text) as Lease];
	});
	return (await Promise.all(read)).flat();
}
