import { environmentCustodyKey } from '@pawl/client/environment-key'
import { fetchWithRetryKeys } from '@pawl/client/retry-keys'
import * as client from 'openid-client'

const custodyKey = await environmentCustodyKey()

export const config = await client.discovery(
  new URL('https://id.example'),
  'my-app',
  {},
  client.ClientSecretBasic(process.env['CLIENT_SECRET'] ?? ''),
  { [client.customFetch]: fetchWithRetryKeys(custodyKey) },
)
