import type { Client } from './client.ts'
import type { SigningAlgorithm } from './signing-algorithm.ts'

/** The algorithms that something is signed with for this client: a key of each has to be there. */
export function algorithmsOf(client: Pick<Client, 'idTokenAlgorithm' | 'requests' | 'tokens'>): SigningAlgorithm[] {
  const { userinfo, introspection } = client.tokens
  const all = [client.idTokenAlgorithm, client.requests.responseAlgorithm, userinfo.signed, introspection.signed]
  return all.filter(each => each !== null)
}
