/** A form posted to the server by the API, with its credentials. */

import { type Asked, fetchText } from './bounded-fetch.ts'
import type { ApiCredentials } from './credentials.ts'
import type { World } from './world.ts'

export interface AskServer {
  /** The body of a 200. Rejects with `ServerUnavailable` for everything else. */
  readonly post: (
    fields: { readonly [name: string]: string },
    asked: Omit<Asked, 'form' | 'headers'>,
  ) => Promise<string>
}

export interface AskServerParts {
  readonly world: World
  readonly issuer: string
  readonly credentials: ApiCredentials
}

export function askServer({ world, issuer, credentials }: AskServerParts): AskServer {
  return {
    post: async (fields, asked) => {
      const shown = await credentials.show(issuer, world)
      const form = new URLSearchParams({ ...fields, ...shown.fields })
      return fetchText(world, { ...asked, form, ...(shown.headers && { headers: shown.headers }) })
    },
  }
}
