import { databaseOn, sharedCluster } from '../../../../../test/postgres/databases.ts'
import { findInstallations } from '../../../../../test/postgres/installations.ts'
import { proveStore } from '../contract/store.test.ts'
import { openPostgresStore } from './postgres-store.ts'

for (const { major: version } of findInstallations()) {
  proveStore({
    name: `PostgreSQL ${version}`,
    persists: true,
    makePlace: async () => {
      const database = await databaseOn(await sharedCluster(version))
      return {
        open: (clock, entropy) => openPostgresStore({ url: database.url, clock, entropy }),
        clear: () => database.drop(),
      }
    },
  })
}
