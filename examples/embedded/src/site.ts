/** A program that has pages of its own and is its own authorization server: one fetch function in front of another. */

import { embedPawl, type FetchInfo } from 'pawl'

export interface Site {
  readonly fetch: (request: Request, info: FetchInfo) => Promise<Response>
  readonly close: () => Promise<void>
}

export interface SiteOptions {
  readonly issuer: string
  readonly masterKey: string
  readonly databaseFile: string
}

/** `/hello` is ours; everything else of this origin is Pawl's. */
export async function openSite(options: SiteOptions): Promise<Site> {
  const { issuer, masterKey, databaseFile } = options
  const pawl = await embedPawl({ issuer, masterKey, store: `sqlite:${databaseFile}`, logLevel: 'warn' })
  return {
    fetch: async (request, info) => {
      if (new URL(request.url).pathname === '/hello') return new Response('hello from the host program\n')
      return pawl.fetch(request, info)
    },
    close: () => pawl.close(),
  }
}
