// Kafka's programs, as Maven Central has them: fetched once for each release, into .cache.
import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "./command.ts";
import { findProgram, installFromDebian } from "./debian.ts";
import { withLock } from "./lock.ts";

const CACHE = join(import.meta.dirname, "../../../.cache/kafka");
const FETCH_MS = 300_000;
const LOGGING = "2.24.3";

/** The folder with the jars. */
export function kafkaJars(version: string): Promise<string> {
	const folder = join(CACHE, version, "jars");
	return withLock(`kafka-jars-${version}`, async () => {
		if (!existsSync(folder)) await fetchJars(version, folder);
		return folder;
	});
}

async function fetchJars(version: string, folder: string): Promise<void> {
	const remedy = "no Kafka for the tests: install Maven (mvn) and a JDK, 17 or later, or name a Kafka in POLYLOG_TEST_KAFKA_URL";
	await installFromDebian(["maven", "default-jdk-headless"], () => !findProgram("mvn") || !findProgram("java"), remedy);
	console.log(`polylog: fetching Kafka ${version} with Maven`);
	const temporary = `${dirname(folder)}.part`;
	await rm(temporary, { recursive: true, force: true });
	await mkdir(temporary, { recursive: true });
	await writeFile(join(temporary, "pom.xml"), pom(version));
	const copy = ["dependency:copy-dependencies", "-DoutputDirectory=jars", "-DincludeScope=runtime"];
	await run([findProgram("mvn") ?? "mvn", "-B", "-q", ...copy], { cwd: temporary, timeoutMs: FETCH_MS });
	await mkdir(dirname(folder), { recursive: true });
	await rename(join(temporary, "jars"), folder);
	await rm(temporary, { recursive: true, force: true });
}

function pom(version: string): string {
	const dependency = (group: string, artifact: string, of: string) =>
		`<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${of}</version></dependency>`;
	const dependencies = [
		dependency("org.apache.kafka", "kafka_2.13", version),
		dependency("org.apache.kafka", "kafka-tools", version),
		dependency("org.apache.logging.log4j", "log4j-slf4j-impl", LOGGING),
	].join("");
	const head = `<modelVersion>4.0.0</modelVersion><groupId>polylog</groupId><artifactId>kafka</artifactId><version>1</version>`;
	return `<project xmlns="http://maven.apache.org/POM/4.0.0">${head}<dependencies>${dependencies}</dependencies></project>\n`;
}
