import { sharedCluster } from '../../../../../test/postgres/databases.ts'
import { findInstallations } from '../../../../../test/postgres/installations.ts'
import { migratedDatabaseOn } from '../../../../../test/postgres/migrated.ts'
import { proveStore } from '../contract/store.test.ts'
import { postgresWalks } from '../contract/plans.test.ts'
import { postgresTables, vacuum } from '../contract/tables.test.ts'
import { openPostgresStore } from './postgres-store.ts'

for (const { major: version } of findInstallations()) {
  proveStore({
    name: `PostgreSQL ${version}`,
    persists: true,
    makePlace: async () => {
      const database = await migratedDatabaseOn(await sharedCluster(version))
      return {
        open: (clock, entropy) => openPostgresStore({ url: database.url, clock, entropy }),
        tables: async () => {
          await vacuum(database.url)
          return postgresTables(database.url)
        },
        clear: () => database.drop(),
      }
    },
    walks: async texts => {
      const { url, drop } = await migratedDatabaseOn(await sharedCluster(version))
      try {
        return await postgresWalks(url, texts)
      } finally {
        await drop()
      }
    },
  })
}
