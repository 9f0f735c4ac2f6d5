// An application as somebody else has it: a folder of its own, with the published packages installed from their tarballs.
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
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
	readonly #base: string;
	/** The application's. */
	readonly folder: string;

	private constructor(base: string) {
		this.#base = base;
		this.folder = join(base, "application");
	}

	/** Builds and packs every package and installs the tarballs, and with them what they depend on, from the registry. */
	static async create(): Promise<PackedProject> {
		const project = new PackedProject(await mkdtemp(join(tmpdir(), "polylog-packed-")));
		try {
			await command(process.execPath, [join(ROOT, "scripts/build.ts")], { timeout: SET_UP_MS });
			const tarballs = await Promise.all(PACKAGES.map((name) => project.#pack(name)));
			await mkdir(project.folder);
			await writeFile(join(project.folder, "package.json"), JSON.stringify({ name: "application", private: true, type: "module" }));
			await npm(project.folder, "install", ...tarballs);
			return project;
		} catch (error) {
			await project[Symbol.asyncDispose]();
			throw error;
		}
	}

	async add(file: string, as: string): Promise<void> {
		await cp(join(ROOT, file), join(this.folder, as));
	}

	/** Moves core to where it finds none of the application's other packages, as `npm link` does. */
	async linkCore(): Promise<void> {
		const elsewhere = join(this.#base, "elsewhere");
		await mkdir(elsewhere);
		await npm(
			elsewhere,
			"install",
			...(await readdir(this.#base)).filter((name) => /core.*\.tgz$/.test(name)).map((name) => join(this.#base, name)),
		);
		const core = "node_modules/@polylog/core";
		await rm(join(this.folder, core), { recursive: true });
		await symlink(join(elsewhere, core), join(this.folder, core));
	}

	async uninstall(...names: readonly string[]): Promise<void> {
		await npm(this.folder, "uninstall", ...names);
	}

	/** A program of the project with plain Node: nothing of this repository's is on its path. */
	async run(program: string, url: string, cwd = this.folder): Promise<Ended> {
		const options = { cwd, env: { ...process.env, NODE_OPTIONS: "", POLYLOG_URL: url }, timeout: RUN_MS };
		return await command(process.execPath, [join(this.folder, program)], options).then(
			({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
			(error: Error & Partial<Ended>) => ({
				code: error.code ?? -1,
				stdout: error.stdout ?? "",
				stderr: error.stderr ?? error.message,
			}),
		);
	}

	/** What a strict compiler says of a program of the project; "" if nothing. */
	async compile(program: string): Promise<string> {
		const compilerOptions = {
			strict: true,
			noEmit: true,
			target: "es2024",
			lib: ["es2024", "esnext.disposable"],
			module: "nodenext",
			skipLibCheck: false,
			typeRoots: [join(ROOT, "node_modules/@types")],
			types: ["node"],
		};
		await writeFile(join(this.folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: [program] }));
		const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
		return await command(process.execPath, [tsc, "-p", this.folder, "--pretty", "false"], { timeout: RUN_MS }).then(
			() => "",
			(error: Error & Partial<Ended>) => error.stdout || error.message,
		);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await rm(this.#base, { recursive: true, force: true });
	}

	async #pack(name: string): Promise<string> {
		// Built already; prepack would build core again for each.
		const args = ["pack", "--ignore-scripts", "--silent", "--pack-destination", this.#base];
		const { stdout } = await command("npm", args, { cwd: join(ROOT, "packages", name), timeout: SET_UP_MS });
		return join(this.#base, stdout.trim());
	}
}

async function npm(cwd: string, ...args: readonly string[]): Promise<void> {
	await command("npm", [...args, "--no-audit", "--no-fund", "--loglevel=error"], { cwd, timeout: SET_UP_MS });
}
