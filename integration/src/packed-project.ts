// An application as somebody else has it: a folder of its own, with the published packages installed from their tarballs.
import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const ROOT = resolve(import.meta.dirname, "../..");
const PACKAGES = ["core", "kafka", "rabbitmq", "redis-streams"];
const SET_UP_MS = 180_000;
const RUN_MS = 60_000;

export interface Ended {
	readonly code: number;
	readonly stdout: string;
	readonly stderr: string;
}

const command = promisify(execFile);

export class PackedProject implements AsyncDisposable {
	readonly folder: string;

	private constructor(folder: string) {
		this.folder = folder;
	}

	/** Builds and packs every package and installs the tarballs, and with them what they depend on, from the registry. */
	static async create(): Promise<PackedProject> {
		const project = new PackedProject(await mkdtemp(join(tmpdir(), "polylog-application-")));
		try {
			await command(process.execPath, [join(ROOT, "scripts/build.ts")], { timeout: SET_UP_MS });
			const tarballs = await Promise.all(PACKAGES.map((name) => project.#pack(name)));
			await writeFile(join(project.folder, "package.json"), JSON.stringify({ name: "application", private: true, type: "module" }));
			await project.npm("install", ...tarballs);
			return project;
		} catch (error) {
			await project[Symbol.asyncDispose]();
			throw error;
		}
	}

	async add(file: string, as: string): Promise<void> {
		await cp(join(ROOT, file), join(this.folder, as));
	}

	async npm(...args: readonly string[]): Promise<void> {
		await command("npm", [...args, "--no-audit", "--no-fund", "--loglevel=error"], { cwd: this.folder, timeout: SET_UP_MS });
	}

	/** Versions of the dependencies, by name. */
	async dependencies(): Promise<Record<string, string>> {
		const { dependencies = {} } = JSON.parse(await readFile(join(this.folder, "package.json"), "utf8")) as {
			dependencies?: Record<string, string>;
		};
		return dependencies;
	}

	/** A program of the project with plain Node: nothing of this repository's is on its path. */
	async run(program: string, url: string, cwd = this.folder): Promise<Ended> {
		const { NODE_OPTIONS: _, ...env } = process.env;
		const options = { cwd, env: { ...env, POLYLOG_URL: url }, timeout: RUN_MS };
		return await command(process.execPath, [join(this.folder, program)], options).then(
			({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
			(error: { code?: number; stdout?: string; stderr?: string }) => ({
				code: error.code ?? -1,
				stdout: error.stdout ?? "",
				stderr: error.stderr ?? String(error),
			}),
		);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await rm(this.folder, { recursive: true, force: true });
	}

	async #pack(name: string): Promise<string> {
		// Built already; prepack would build core again for each.
		const args = ["pack", "--ignore-scripts", "--silent", "--pack-destination", this.folder];
		const { stdout } = await command("npm", args, { cwd: join(ROOT, "packages", name), timeout: SET_UP_MS });
		return `./${stdout.trim()}`;
	}
}
