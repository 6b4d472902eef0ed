/** The clusters of a whole run of tests: one of each version that can be had here, started once and handed to everybody. */

import { type Cluster, startCluster } from './cluster.ts'
import { clustersVariable } from './databases.ts'
import { findInstallations } from './installations.ts'

export interface RunClusters {
  /** Sets `PAWL_TEST_POSTGRES` for the processes of the run. */
  readonly environment: { readonly [name: string]: string }
  /** `PostgreSQL 18.4 (npm) and 15.18 (system)`. */
  readonly names: string
  /** The newest version. */
  readonly newest: string
  readonly remove: () => Promise<void>
}

/** Rejects where no PostgreSQL can be had at all, or one that is there does not start. */
export async function startRunClusters(): Promise<RunClusters> {
  const installations = findInstallations()
  const clusters: Cluster[] = []
  const remove = async (): Promise<void> => void (await Promise.all(clusters.map(cluster => cluster.remove())))
  try {
    for (const { major } of installations) clusters.push(await startCluster({ version: major }))
  } catch (error) {
    await remove()
    throw error
  }
  const urls = Object.fromEntries(clusters.map(({ version, url }) => [version, url]))
  return {
    environment: { [clustersVariable]: JSON.stringify(urls) },
    names: `PostgreSQL ${installations.map(({ version, origin }) => `${version} (${origin})`).join(' and ')}`,
    newest: `PostgreSQL ${installations[0]?.version}`,
    remove,
  }
}
