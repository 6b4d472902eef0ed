/** The metadata that a server of this configuration publishes, for whoever wants to know without starting one. */

import type { Config } from './config/config.ts'
import { serverMetadata } from './oauth/metadata.ts'

export function publishedMetadata(config: Config): { readonly [name: string]: unknown } {
  const { issuer, clientCertificates } = config
  return serverMetadata({ issuer, clientCertificates, rules: config, statusLists: config.statusLists ? {} : null })
}
