import type { SettingName } from './settings.ts'

/** What text means for a setting: numbers, lists and words are told apart by the schema, never by how the text looks. */
export function valueOfText(name: SettingName, text: string): unknown {
  switch (written[name]) {
    case 'number':
      return /^\d{1,10}$/.test(text) ? Number(text) : text
    case 'list':
      return text === '' ? [] : text.split(',').map(part => part.trim())
    case 'switch':
      return text === 'true' || (text === 'false' ? false : text)
    case 'text':
      return text
  }
}

const written: { readonly [name in SettingName]: 'number' | 'list' | 'switch' | 'text' } = {
  port: 'number',
  adminPort: 'number',
  mtlsPort: 'number',
  storeConnections: 'number',
  syncStandbys: 'number',
  workers: 'number',
  drainSeconds: 'number',
  codeSeconds: 'number',
  deviceCodeSeconds: 'number',
  deviceIntervalSeconds: 'number',
  branchesPerGrantMax: 'number',
  sessionSeconds: 'number',
  repeatsMax: 'number',
  refreshesPerSecondMax: 'number',
  grantsPerUserAndClientMax: 'number',
  registeredClientsMax: 'number',
  claimsHookMilliseconds: 'number',
  trustedProxies: 'list',
  privateHosts: 'list',
  registrationScopes: 'list',
  clientDocumentHosts: 'list',
  softwareIssuers: 'list',
  allowLosingRotations: 'switch',
  requirePushedRequests: 'switch',
  requireSignedRequests: 'switch',
  dpopNonces: 'switch',
  signUp: 'switch',
  statusLists: 'switch',
  passwordChangeEnds: 'text',
  mail: 'text',
  mailFrom: 'text',
  tlsCert: 'text',
  tlsKey: 'text',
  tlsClientCa: 'text',
  mtlsUrl: 'text',
  clientCertificateHeader: 'text',
  issuer: 'text',
  data: 'text',
  store: 'text',
  host: 'text',
  logLevel: 'text',
  registration: 'text',
  resources: 'text',
  claimsHook: 'text',
}
