/** Places of stores, written so that another process can open them. */

import { Pool } from 'pg'
import { fileStore } from '@pawl/client/file'
import { postgresStore } from '@pawl/client/postgres'
import { redisStore } from '@pawl/client/redis'
import { openSqliteStore } from '@pawl/client/sqlite'
import type { CustodyView } from '../../packages/client/src/testing/custody-scene.ts'
import { connectRedis } from './redis-clients.ts'

export type RacePlace =
  | { readonly kind: 'file'; readonly directory: string }
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgres'; readonly url: string }
  | { readonly kind: 'redis'; readonly port: number }

export async function openRaceStore(place: RacePlace): Promise<CustodyView> {
  switch (place.kind) {
    case 'file':
      return { store: fileStore(place.directory), close: async () => {} }
    case 'sqlite': {
      const store = await openSqliteStore(place.path)
      return { store, close: async () => store.close() }
    }
    case 'postgres': {
      const pool = new Pool({ connectionString: place.url, max: 2 })
      return { store: postgresStore({ pool }), close: () => pool.end() }
    }
    case 'redis': {
      const { port, close } = await connectRedis('ioredis', place.port)
      return { store: redisStore({ redis: port }), close }
    }
  }
}
