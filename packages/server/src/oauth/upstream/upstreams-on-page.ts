import type { AuthorizationServer } from '../authorization-server.ts'
import { upstreamsMax } from '../../domain/upstream/upstream.ts'

export interface UpstreamOnPage {
  readonly id: string
  readonly name: string
}

/** The buttons of the sign-in page. */
export async function upstreamsOnPage(server: AuthorizationServer): Promise<readonly UpstreamOnPage[]> {
  const upstreams = await server.store.upstreams.list(upstreamsMax)
  return upstreams.map(({ id, name }) => ({ id, name }))
}
