import { lookup, Resolver } from 'node:dns/promises'

/** All addresses of a name, IPv4 first. Empty, or a rejection, when it has none. */
export type ResolveHost = (hostname: string) => Promise<readonly string[]>

const triesMax = 2
const tryMs = 1_000

/**
 * Asks the name servers for A and AAAA, and no hosts file. Not `getaddrinfo`: that waits on the thread pool, and names of
 * strangers with slow servers would hold up the threads that hash passwords.
 */
export const resolvePublicly: ResolveHost = async hostname => {
  const resolver = new Resolver({ timeout: tryMs, tries: triesMax })
  const [ipv4, ipv6] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)])
  const addresses = [ipv4, ipv6].flatMap(answer => (answer.status === 'fulfilled' ? answer.value : []))
  if (addresses.length === 0 && ipv4.status === 'rejected') throw ipv4.reason
  return addresses
}

/** Resolves as every program of this machine does, with its hosts file: for hosts that the operator named. */
export const resolveOnMachine: ResolveHost = async hostname => {
  const found = await lookup(hostname, { all: true, order: 'ipv4first' })
  return found.map(({ address }) => address)
}
