// Images built without any registry: Debian trixie from its package archive, the servers from there, Kafka's jars from Maven.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../command.ts";
import { findProgram, installFromDebian } from "../debian.ts";
import { withLock } from "../lock.ts";
import { imageLabels } from "./engine-api.ts";
import { dockerClient } from "./docker-client.ts";
import { kafkaJars } from "../kafka-jars.ts";
import { type ContainerServer, KAFKA_VERSION, SERVER_IMAGES } from "./servers.ts";

const BASE = "polylog-tests/debian:trixie";
const MIRROR = "http://deb.debian.org/debian";
const RECIPES = join(import.meta.dirname, "images");
/** An image made by another recipe is made again. */
const RECIPE_LABEL = "polylog.recipe";
const BUILD_MS = 600_000;

export async function isBuilt(host: string, server: ContainerServer): Promise<boolean> {
	const labels = await imageLabels(host, SERVER_IMAGES[server].own);
	return labels?.[RECIPE_LABEL] === recipeDigest(server);
}

/** Takes root, for debootstrap; rejects with what to do instead. */
export async function buildImage(host: string, server: ContainerServer): Promise<void> {
	const [jars] = await Promise.all([
		server === "kafka" ? kafkaJars(KAFKA_VERSION) : undefined,
		withLock("image-base", () => makeBase(host)),
	]);
	const folder = await mkdtemp(join(tmpdir(), `polylog-image-${server}-`));
	try {
		await cp(join(RECIPES, server), folder, { recursive: true });
		if (jars !== undefined) await cp(jars, join(folder, "libs"), { recursive: true });
		const name = SERVER_IMAGES[server].own;
		await timed(`building ${name}`, () =>
			run(
				[
					dockerClient(),
					"-H",
					host,
					"build",
					"-t",
					name,
					"--build-arg",
					`BASE=${BASE}`,
					"--label",
					`${RECIPE_LABEL}=${recipeDigest(server)}`,
					folder,
				],
				{
					env: { DOCKER_BUILDKIT: "0" },
					timeoutMs: BUILD_MS,
				},
			),
		);
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

async function makeBase(host: string): Promise<void> {
	if (await imageLabels(host, BASE)) return;
	const isMissing = () => !findProgram("debootstrap");
	await installFromDebian(["debootstrap"], isMissing, "no image can be pulled, and building one takes debootstrap, as root");
	const folder = await mkdtemp(join(tmpdir(), "polylog-image-base-"));
	const root = join(folder, "root");
	try {
		await timed(`making ${BASE} with debootstrap`, async () => {
			await run([findProgram("debootstrap") ?? "debootstrap", "--variant=minbase", "trixie", root, MIRROR], { timeoutMs: BUILD_MS });
			const script = 'tar -C "$1" --exclude=./var/cache/apt/archives/* --exclude=./var/lib/apt/lists/* -c . | "$2" -H "$3" import - "$4"';
			await run(["/bin/bash", "-o", "pipefail", "-c", script, "import", root, dockerClient(), host, BASE], { timeoutMs: BUILD_MS });
		});
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

/** Of everything the image is made of that this repository decides. */
function recipeDigest(server: ContainerServer): string {
	const hash = createHash("sha256").update(server === "kafka" ? KAFKA_VERSION : "");
	for (const file of readdirSync(join(RECIPES, server)).toSorted()) hash.update(file).update(readFileSync(join(RECIPES, server, file)));
	return hash.digest("hex").slice(0, 16);
}

async function timed(what: string, action: () => Promise<unknown>): Promise<void> {
	console.log(`polylog: ${what} …`);
	const started = Date.now();
	await action();
	console.log(`polylog: ${what}: done in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}
