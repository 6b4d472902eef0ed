/**
 * What is used of the TypeScript SDK of the Model Context Protocol, in its own shape: `McpProvider` is assignable to its
 * `OAuthClientProvider`. Written out, so that this package does not depend on the SDK and goes with any version of it
 * that asks for no more.
 */

/** RFC 7591 §2, as the SDK sends it when it registers a client. */
export interface SdkClientMetadata {
  redirect_uris: string[]
  client_name?: string
  client_uri?: string
  logo_uri?: string
  tos_uri?: string
  policy_uri?: string
  contacts?: string[]
  scope?: string
  grant_types?: string[]
  response_types?: string[]
  token_endpoint_auth_method?: string
  software_id?: string
  software_version?: string
}

/** A registered client. `issuer` is the SDK's stamp: the authorization server it was registered with. */
export interface SdkClient {
  client_id: string
  client_secret?: string | undefined
  token_endpoint_auth_method?: string | undefined
  client_secret_expires_at?: number | undefined
  scope?: string | undefined
  issuer?: string | undefined
}

export interface SdkTokens {
  access_token: string
  token_type: string
  expires_in?: number | undefined
  scope?: string | undefined
  refresh_token?: string | undefined
  id_token?: string | undefined
  issuer?: string | undefined
}

/** The metadata of an authorization server (RFC 8414 §2), as far as it is looked at here; the rest rides along. */
export type SdkServerMetadata = {
  issuer: string
  authorization_endpoint: string
  token_endpoint: string
  response_types_supported: string[]
}

/** RFC 9728 §2. */
export type SdkResourceMetadata = {
  resource: string
}

/** What the SDK found out on its way from the MCP server to the authorization server. */
export interface SdkDiscovery {
  authorizationServerUrl: string
  authorizationServerMetadata?: SdkServerMetadata
  resourceMetadata?: SdkResourceMetadata
  resourceMetadataUrl?: string
}

export interface McpProvider {
  readonly redirectUrl: string | URL
  readonly clientMetadata: SdkClientMetadata
  readonly clientMetadataUrl?: string
  state(): Promise<string>
  clientInformation(): Promise<SdkClient | undefined>
  saveClientInformation(client: SdkClient): Promise<void>
  tokens(): Promise<SdkTokens | undefined>
  saveTokens(tokens: SdkTokens): Promise<void>
  redirectToAuthorization(url: URL): Promise<void>
  saveCodeVerifier(verifier: string): Promise<void>
  codeVerifier(): Promise<string>
  addClientAuthentication(headers: Headers, params: URLSearchParams, url: string | URL): Promise<void>
  invalidateCredentials(scope: 'all' | 'client' | 'tokens' | 'verifier' | 'discovery'): Promise<void>
  saveDiscoveryState(state: SdkDiscovery): Promise<void>
  discoveryState(): Promise<SdkDiscovery | undefined>
}

/** A fetch as the SDK's transports take it. */
export type SdkFetch = (url: string | URL, init?: RequestInit) => Promise<Response>
