/** Databases with the schema of this program, copied from one that was migrated once on each cluster. */

import { systemEntropy } from '../../packages/server/src/domain/entropy.ts'
import { openPostgresStore } from '../../packages/server/src/store/postgres/postgres-store.ts'
import { type Database, databaseOn, type Running, templateOn } from './databases.ts'

const templates = new Map<string, Promise<string>>()

/** No time is kept in it: its users bring clocks of their own. */
export async function migratedDatabaseOn(cluster: Running): Promise<Database> {
  const template = templates.get(cluster.url) ?? templateOn(cluster, 'pawl_migrated', migrate)
  templates.set(cluster.url, template)
  return databaseOn(cluster, await template)
}

async function migrate(url: string): Promise<void> {
  const store = await openPostgresStore({ url, entropy: systemEntropy(), clock: { nowMs: () => 0 } })
  await store.close()
}
