// An image for a server: the official one if it is here or can be pulled, else an equivalent built on this machine.
import { withLock } from "../lock.ts";
import { run } from "../command.ts";
import { buildImage, isBuilt } from "./build.ts";
import { dockerClient } from "./docker-client.ts";
import { engine } from "./engine.ts";
import { imageLabels } from "./engine-api.ts";
import { type ContainerServer, SERVER_IMAGES } from "./servers.ts";

/** A registry that says nothing for so long cannot be reached; one that does may take its time. */
const PULL_SILENCE_MS = 15_000;
const PULL_MS = 240_000;

export interface PreparedImage {
	readonly name: string;
	/** For the report: where it came from. */
	readonly origin: string;
}

const prepared = new Map<ContainerServer, Promise<PreparedImage>>();

/** Once for each server in a process; what is there already is not made again. */
export function prepareImage(server: ContainerServer): Promise<PreparedImage> {
	let image = prepared.get(server);
	if (!image) {
		image = engine().then((host) => withLock(`image-${server}`, () => find(host, server)));
		prepared.set(server, image);
	}
	return image;
}

async function find(host: string, server: ContainerServer): Promise<PreparedImage> {
	const { official, own, variable } = SERVER_IMAGES[server];
	const named = process.env[variable];
	const wanted = named ?? official;
	if (await imageLabels(host, wanted)) return { name: wanted, origin: wanted };
	const ownImage = { name: own, origin: `${own}, built here` };
	if (!named && (await isBuilt(host, server))) return ownImage;
	const obstacle = await pull(host, wanted);
	if (obstacle === undefined) return { name: wanted, origin: wanted };
	if (named) throw new Error(`the image ${named} (${variable}) is not here and cannot be pulled: ${obstacle}`);
	console.log(`polylog: ${wanted} cannot be pulled (${obstacle}): building an equivalent`);
	await buildImage(host, server);
	return ownImage;
}

/** Why not; undefined once it is here. */
async function pull(host: string, image: string): Promise<string | undefined> {
	console.log(`polylog: pulling ${image}`);
	try {
		await run([dockerClient(), "-H", host, "pull", image], { timeoutMs: PULL_MS, silenceMs: PULL_SILENCE_MS });
		return undefined;
	} catch (error) {
		return error instanceof Error ? (error.message.trim().split("\n").at(-1) ?? "") : String(error);
	}
}
