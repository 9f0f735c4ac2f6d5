// The package has no types of its own.
declare module "cluster-key-slot" {
	/** The slot of a key on Redis Cluster: of its hash tag, if it has one. */
	export default function keySlot(key: string): number;
}
