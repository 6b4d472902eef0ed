/** Places of stores, written so that another process can open them. */

import { Pool } from 'pg'
import { fileStore } from '@pawl/client/file'
import { postgresStore } from '@pawl/client/postgres'
import { openSqliteStore } from '@pawl/client/sqlite'
import type { CustodyView } from '../../packages/client/src/testing/custody-scene.ts'

export type RacePlace =
  | { readonly kind: 'file'; readonly directory: string }
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgres'; readonly url: string }

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
  }
}
