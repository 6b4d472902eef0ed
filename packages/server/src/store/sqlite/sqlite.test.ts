import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemEntropy } from '../../domain/entropy.ts'
import { proveStore } from '../contract/store.test.ts'
import { sqliteWalks } from '../contract/plans.test.ts'
import { sqliteTables } from '../contract/tables.test.ts'
import { memoryPath } from './connection.ts'
import { openSqliteStore } from './sqlite-store.ts'

proveStore({
  name: 'SQLite in memory',
  persists: false,
  makePlace: () =>
    Promise.resolve({
      open: (clock, entropy) => openSqliteStore({ path: memoryPath, clock, entropy }),
      clear: () => Promise.resolve(),
    }),
})

proveStore({
  name: 'SQLite in a file',
  persists: true,
  makePlace: async () => {
    const directory = await mkdtemp(join(tmpdir(), 'pawl-store-'))
    return {
      open: (clock, entropy) => openSqliteStore({ path: join(directory, 'pawl.db'), clock, entropy }),
      tables: () => Promise.resolve(sqliteTables(join(directory, 'pawl.db'))),
      clear: () => rm(directory, { recursive: true }),
    }
  },
  walks: async texts => {
    const directory = await mkdtemp(join(tmpdir(), 'pawl-plans-'))
    const path = join(directory, 'pawl.db')
    try {
      const store = await openSqliteStore({ path, clock: { nowMs: () => 0 }, entropy: systemEntropy() })
      await store.close()
      return sqliteWalks(path, texts)
    } finally {
      await rm(directory, { recursive: true })
    }
  },
})
