# fish completion for tribune; made from its table of commands by `tribune generate completions DIR`.

# What a command has: next parts of its name, each with what it does.
function __tribune_names
    switch "$argv"
        case ''
            printf '%s\n' \
                acl\t'Interact with access control lists' \
                agent\t'Runs a Consul agent' \
                catalog\t'Interact with the catalog' \
                connect\t'Interact with Consul Connect' \
                debug\t'Records a debugging archive for operators' \
                event\t'Fire a new event' \
                exec\t'Executes a command on Consul nodes' \
                force-leave\t'Forces a member of the cluster to enter the "left" state' \
                info\t'Provides debugging information for operators.' \
                join\t'Tell Consul agent to join cluster' \
                keygen\t'Generates a new encryption key' \
                keyring\t'Manages gossip layer encryption keys' \
                kv\t'Interact with the key-value store' \
                leave\t'Gracefully leaves the Consul cluster and shuts down' \
                lock\t'Execute a command holding a lock' \
                login\t'Log in with an auth method' \
                logout\t'Destroy a token that login made' \
                maint\t'Controls node or service maintenance mode' \
                members\t'Lists the members of a Consul cluster' \
                monitor\t'Stream logs from a Consul agent' \
                operator\t'Provides cluster-level tools for Consul operators' \
                reload\t'Triggers the agent to reload configuration files' \
                rtt\t'Estimates network round trip time between nodes' \
                services\t'Interact with services' \
                snapshot\t'Saves, restores and inspects snapshots of Consul server state' \
                tls\t'Builtin helpers for creating CAs and certificates' \
                validate\t'Validate config files/directories' \
                version\t'Prints the Consul version' \
                watch\t'Watch for changes in Consul'
        case 'acl'
            printf '%s\n' \
                auth-method\t'Manage ACL auth methods' \
                binding-rule\t'Manage ACL binding rules' \
                bootstrap\t'Bootstrap the ACL system' \
                policy\t'Manage ACL policies' \
                role\t'Manage ACL roles' \
                set-agent-token\t'Assign tokens to the agent\'s own work' \
                templated-policy\t'Show ACL templated policies' \
                token\t'Manage ACL tokens'
        case 'acl auth-method'
            printf '%s\n' \
                create\t'Create an ACL auth method' \
                delete\t'Delete an ACL auth method' \
                list\t'List ACL auth methods' \
                read\t'Read an ACL auth method' \
                update\t'Update an ACL auth method'
        case 'acl binding-rule'
            printf '%s\n' \
                create\t'Create an ACL binding rule' \
                delete\t'Delete an ACL binding rule' \
                list\t'List ACL binding rules' \
                read\t'Read an ACL binding rule' \
                update\t'Update an ACL binding rule'
        case 'acl policy'
            printf '%s\n' \
                create\t'Create an ACL policy' \
                delete\t'Delete an ACL policy' \
                list\t'List ACL policies' \
                read\t'Read an ACL policy' \
                update\t'Update an ACL policy'
        case 'acl role'
            printf '%s\n' \
                create\t'Create an ACL role' \
                delete\t'Delete an ACL role' \
                list\t'List ACL roles' \
                read\t'Read an ACL role' \
                update\t'Update an ACL role'
        case 'acl templated-policy'
            printf '%s\n' \
                list\t'List ACL templated policies' \
                preview\t'Preview the policy of an ACL templated policy' \
                read\t'Read an ACL templated policy'
        case 'acl token'
            printf '%s\n' \
                clone\t'Clone an ACL token' \
                create\t'Create an ACL token' \
                delete\t'Delete an ACL token' \
                list\t'List ACL tokens' \
                read\t'Read an ACL token' \
                update\t'Update an ACL token'
        case 'catalog'
            printf '%s\n' \
                datacenters\t'Lists all known datacenters for this agent' \
                nodes\t'Lists all nodes in the given datacenter' \
                services\t'Lists all registered services in a datacenter'
        case 'connect'
            printf '%s\n' \
                ca\t'Interact with the Consul Connect Certificate Authority (CA)'
        case 'connect ca'
            printf '%s\n' \
                get-config\t'Display the current Connect Certificate Authority (CA) configuration' \
                set-config\t'Modify the current Connect CA configuration'
        case 'kv'
            printf '%s\n' \
                delete\t'Removes data from the KV store' \
                export\t'Exports a tree from the KV store as JSON' \
                get\t'Retrieves or lists data from the KV store' \
                import\t'Imports a tree stored as JSON to the KV store' \
                put\t'Sets or updates data in the KV store'
        case 'operator'
            printf '%s\n' \
                autopilot\t'Provides tools for modifying Autopilot configuration' \
                raft\t'Provides cluster-level tools for Consul operators' \
                usage\t'Provides cluster-level usage information'
        case 'operator autopilot'
            printf '%s\n' \
                get-config\t'Display the current Autopilot configuration' \
                set-config\t'Modify the current Autopilot configuration' \
                state\t'Display the current Autopilot state'
        case 'operator raft'
            printf '%s\n' \
                list-peers\t'Display the current Raft peer configuration' \
                remove-peer\t'Remove a Consul server from the Raft configuration' \
                transfer-leader\t'Transfer raft leadership to another node'
        case 'operator usage'
            printf '%s\n' \
                instances\t'Display service instance usage information'
        case 'services'
            printf '%s\n' \
                deregister\t'Deregister services with the local agent' \
                register\t'Register services with the local agent'
        case 'snapshot'
            printf '%s\n' \
                decode\t'Decodes a Consul snapshot file as JSON' \
                inspect\t'Displays information about a Consul snapshot file' \
                restore\t'Restores snapshot of Consul server state' \
                save\t'Saves snapshot of Consul server state'
        case 'tls'
            printf '%s\n' \
                ca\t'Helpers for CAs' \
                cert\t'Helpers for certificates'
        case 'tls ca'
            printf '%s\n' \
                create\t'Create a new Consul CA'
        case 'tls cert'
            printf '%s\n' \
                create\t'Create a new certificate'
    end
end

# Flags, each with what it is for.
function __tribune_flags
    switch "$argv"
        case ''
            printf '%s\n' \
                -autocomplete-install\t'Install completion for your shells' \
                -autocomplete-uninstall\t'Remove completion from your shells' \
                -help\t'List the commands' \
                -version\t'Print the version'
        case 'acl auth-method create'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -config\t'Configuration in JSON' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -description\t'Text that says what the auth method is for' \
                -display-name\t'Name for humans' \
                -format\t'Output format: {pretty|json}' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -kubernetes-ca-cert\t'CA certificate of the Kubernetes API server, PEM' \
                -kubernetes-host\t'Address of the Kubernetes API server' \
                -kubernetes-service-account-jwt\t'JWT of a service account that may review tokens at the Kubernetes API server' \
                -max-token-ttl\t'Time after which a token of a login is no longer valid' \
                -meta\t'Also print the hash of the content and the raft indexes' \
                -name\t'Name of the auth method' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token' \
                -token-locality\t'Kind of the tokens of logins: \'local\' to this datacenter, or \'global\'' \
                -type\t'Type of the auth method: jwt, kubernetes or aws-iam'
        case 'acl auth-method delete'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -name\t'Name of the auth method' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'acl auth-method list'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -format\t'Output format: {pretty|json}' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -meta\t'Also print the hash of the content and the raft indexes' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'acl auth-method read'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -format\t'Output format: {pretty|json}' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -meta\t'Also print the hash of the content and the raft indexes' \
                -name\t'Name of the auth method' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'acl auth-method update'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -config\t'Configuration in JSON' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -description\t'Text that says what the auth method is for' \
                -display-name\t'Name for humans' \
                -format\t'Output format: {pretty|json}' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -kubernetes-ca-cert\t'CA certificate of the Kubernetes API server, PEM' \
                -kubernetes-host\t'Address of the Kubernetes API server' \
                -kubernetes-service-account-jwt\t'JWT of a service account that may review tokens at the Kubernetes API server' \
                -max-token-ttl\t'Time after which a token of a login is no longer valid' \
                -meta\t'Also print the hash of the content and the raft indexes' \
                -name\t'Name of the auth method' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -no-merge\t'Replace all fields, also those that are not given' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token' \
                -token-locality\t'Kind of the tokens of logins: \'local\' to this datacenter, or \'global\''
        case 'acl binding-rule create'
            printf '%s\n' \
                -bind-name\t'Name to bind; ${...} stands for what is known of the caller' \
                -bind-type\t'What is bound: service, role, node, policy or templated-policy' \
                -bind-vars\t'Variable of the templated policy, as name=value; ${...} stands for what the auth method knows of the caller' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -description\t'Text that says what the binding rule is for' \
                -format\t'Output format: {pretty|json}' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -meta\t'Also print the hash of the content and the raft indexes' \
                -method\t'Auth method whose logins the rule is for' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -selector\t'Filter over what the auth method knows of the caller' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'acl binding-rule delete'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -id\t'Id of the binding rule' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'acl binding-rule list'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -format\t'Output format: {pretty|json}' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -meta\t'Also print the hash of the content and the raft indexes' \
                -method\t'Only the rules of this auth method' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'acl binding-rule read'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -format\t'Output format: {pretty|json}' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -id\t'Id of the binding rule' \
                -meta\t'Also print the hash of the content and the raft indexes' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'acl binding-rule update'
            printf '%s\n' \
                -bind-name\t'Name to bind; ${...} stands for what is known of the caller' \
                -bind-type\t'What is bound: service, role, node, policy or templated-policy' \
                -bind-vars\t'Variable of the templated policy, as name=value; ${...} stands for what the auth method knows of the caller' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -description\t'Text that says what the binding rule is for' \
                -format\t'Output format: {pretty|json}' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -id\t'Id of the binding rule' \
                -meta\t'Also print the hash of the content and the raft indexes' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -no-merge\t'Replace all fields, also those that are not given' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -selector\t'Filter over what the auth method knows of the caller' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'acl bootstrap'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -format\t'Output format: {pretty|json}' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'acl policy create'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -description\t'Text that says what the policy is for' \
                -format\t'Output format: {pretty|json}' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -meta\t'Also print the hash of the content and the raft indexes' \
                -name\t'Name of the new policy' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -rules\t'The rules, HCL or JSON' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token' \
                -valid-datacenter\t'Datacenter in which the policy is valid; all without it'
        case 'acl policy delete'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -id\t'Id of the policy' \
                -name\t'Name of the policy' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'acl policy list'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -format\t'Output format: {pretty|json}' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -meta\t'Also print the hash of the content and the raft indexes' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'acl policy read'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -format\t'Output format: {pretty|json}' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -id\t'Id of the policy' \
                -meta\t'Also print the hash of the content and the raft indexes' \
                -name\t'Name of the policy' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'acl policy update'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -description\t'Text that says what the policy is for' \
                -format\t'Output format: {pretty|json}' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -id\t'Id of the policy' \
                -meta\t'Also print the hash of the content and the raft indexes' \
                -name\t'Name of the policy' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -no-merge\t'Replace all fields, also those that are not given' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -rules\t'The rules, HCL or JSON' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token' \
                -valid-datacenter\t'Datacenter in which the policy is valid; all without it'
        case 'acl role create'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -description\t'Text that says what the role is for' \
                -format\t'Output format: {pretty|json}' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -meta\t'Also print the hash of the content and the raft indexes' \
                -name\t'Name of the new role' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -node-identity\t'A node identity, as NODE:DATACENTER' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -policy-id\t'Policy, by the beginning of its id' \
                -policy-name\t'Policy, by name' \
                -service-identity\t'A service identity, as NAME or NAME:DATACENTER1,DATACENTER2' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -templated-policy\t'Name of a templated policy' \
                -templated-policy-file\t'File with templated policies and their variables, HCL or JSON' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token' \
                -var\t'Variable of the templated policy, as VariableName:Value'
        case 'acl role delete'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -id\t'Id of the role' \
                -name\t'Name of the role' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'acl role list'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -format\t'Output format: {pretty|json}' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -meta\t'Also print the hash of the content and the raft indexes' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'acl role read'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -format\t'Output format: {pretty|json}' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -id\t'Id of the role' \
                -meta\t'Also print the hash of the content and the raft indexes' \
                -name\t'Name of the role' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'acl role update'
            printf '%s\n' \
                -append-templated-policy\t'Name of a templated policy to add' \
                -append-templated-policy-file\t'File with templated policies to add, HCL or JSON' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -description\t'Text that says what the role is for' \
                -format\t'Output format: {pretty|json}' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -id\t'Id of the role' \
                -meta\t'Also print the hash of the content and the raft indexes' \
                -name\t'Name of the role' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -no-merge\t'Replace all fields, also those that are not given' \
                -node-identity\t'A node identity, as NODE:DATACENTER' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -policy-id\t'Policy, by the beginning of its id' \
                -policy-name\t'Policy, by name' \
                -replace-templated-policy\t'Name of a templated policy that replaces the old ones' \
                -replace-templated-policy-file\t'File with templated policies that replace the old ones' \
                -service-identity\t'A service identity, as NAME or NAME:DATACENTER1,DATACENTER2' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token' \
                -var\t'Variable of the templated policy, as VariableName:Value'
        case 'acl set-agent-token'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'acl templated-policy list'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -format\t'Output format: {pretty|json}' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'acl templated-policy preview'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -file\t'File with one templated policy and its variables, HCL or JSON' \
                -format\t'Output format: {pretty|json}' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -meta\t'Also print the hash of the content and the raft indexes' \
                -name\t'Name of the templated policy' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token' \
                -var\t'Variable of the templated policy, as VariableName:Value'
        case 'acl templated-policy read'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -format\t'Output format: {pretty|json}' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -meta\t'Also print the hash of the content and the raft indexes' \
                -name\t'Name of the templated policy' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'acl token clone'
            printf '%s\n' \
                -accessor-id\t'Accessor ID of the token' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -description\t'Description of the new token; that of the old one without it' \
                -format\t'Output format: {pretty|json}' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'acl token create'
            printf '%s\n' \
                -accessor\t'UUID that is to be the Accessor ID' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -description\t'Text that says what the token is for' \
                -expires-ttl\t'Time after which the token is no longer valid' \
                -format\t'Output format: {pretty|json}' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -local\t'The token is valid in this datacenter only' \
                -meta\t'Also print the hash of the content and the raft indexes' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -node-identity\t'A node identity, as NODE:DATACENTER' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -policy-id\t'Policy, by the beginning of its id' \
                -policy-name\t'Policy, by name' \
                -role-id\t'Role, by the beginning of its id' \
                -role-name\t'Role, by name' \
                -secret\t'UUID that is to be the secret' \
                -service-identity\t'A service identity, as NAME or NAME:DATACENTER1,DATACENTER2' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -templated-policy\t'Name of a templated policy' \
                -templated-policy-file\t'File with templated policies and their variables, HCL or JSON' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token' \
                -var\t'Variable of the templated policy, as VariableName:Value'
        case 'acl token delete'
            printf '%s\n' \
                -accessor-id\t'Accessor ID of the token' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'acl token list'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -format\t'Output format: {pretty|json}' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -meta\t'Also print the hash of the content and the raft indexes' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'acl token read'
            printf '%s\n' \
                -accessor-id\t'Accessor ID of the token' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -expanded\t'Show the rules of all policies, roles and identities' \
                -format\t'Output format: {pretty|json}' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -meta\t'Also print the hash of the content and the raft indexes' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -self\t'Read the token that the command itself uses' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'acl token update'
            printf '%s\n' \
                -accessor-id\t'Accessor ID of the token' \
                -append-node-identity\t'A node identity, as NODE:DATACENTER' \
                -append-policy-id\t'Policy to add, by the beginning of its id' \
                -append-policy-name\t'Policy to add, by name' \
                -append-role-id\t'Role to add, by the beginning of its id' \
                -append-role-name\t'Role to add, by name' \
                -append-service-identity\t'A service identity, as NAME or NAME:DATACENTER1,DATACENTER2' \
                -append-templated-policy\t'Name of a templated policy to add' \
                -append-templated-policy-file\t'File with templated policies to add, HCL or JSON' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -description\t'Text that says what the token is for' \
                -format\t'Output format: {pretty|json}' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -meta\t'Also print the hash of the content and the raft indexes' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -node-identity\t'A node identity, as NODE:DATACENTER' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -policy-id\t'Policy, by the beginning of its id' \
                -policy-name\t'Policy, by name' \
                -replace-templated-policy\t'Name of a templated policy that replaces the old ones' \
                -replace-templated-policy-file\t'File with templated policies that replace the old ones' \
                -role-id\t'Role, by the beginning of its id' \
                -role-name\t'Role, by name' \
                -service-identity\t'A service identity, as NAME or NAME:DATACENTER1,DATACENTER2' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token' \
                -var\t'Variable of the templated policy, as VariableName:Value'
        case 'agent'
            printf '%s\n' \
                -advertise\t'Address that other agents use to reach this one; an IP or an address template' \
                -advertise-wan\t'Address that servers of other datacenters use instead of -advertise' \
                -allow-write-http-from\t'Network (CIDR) that may call write endpoints of the agent' \
                -alt-domain\t'Second domain that the DNS interface answers for' \
                -auto-reload-config\t'Watch the configuration files and reload them when they change' \
                -bind\t'Address to bind for traffic inside the cluster' \
                -bootstrap\t'Let this server elect itself' \
                -bootstrap-expect\t'Number of servers to wait for before the first election' \
                -check_output_max_size\t'Largest output of a check on this agent, in bytes' \
                -client\t'Addresses to bind for clients: DNS, HTTP, HTTPS and gRPC' \
                -config-dir\t'Directory with configuration files; those ending in .hcl or .json are read in the order of their names' \
                -config-file\t'Configuration file in HCL or JSON, told apart by its extension' \
                -config-format\t'Format of all configuration files whatever their extension: \'hcl\' or \'json\'' \
                -data-dir\t'Directory that keeps the agent\'s state' \
                -datacenter\t'Datacenter of the agent' \
                -default-query-time\t'How long a blocking query waits when it does not say' \
                -dev\t'Development mode: one server on the loopback address that keeps everything in memory' \
                -disable-host-node-id\t'Use a random node id instead of one made from the host\'s own id' \
                -disable-keyring-file\t'Do not keep the gossip keys in a file' \
                -dns-port\t'Port of the DNS interface' \
                -domain\t'Domain that the DNS interface answers for' \
                -enable-local-script-checks\t'Allow script checks from configuration files' \
                -enable-script-checks\t'Allow script checks from configuration files and from the API' \
                -encrypt\t'Key that encrypts gossip, in base64' \
                -grpc-port\t'Port of gRPC without TLS' \
                -grpc-tls-port\t'Port of gRPC with TLS' \
                -hcl\t'Fragment of HCL configuration' \
                -http-port\t'Port of the HTTP API' \
                -https-port\t'Port of the HTTPS API' \
                -join\t'Address of an agent to join at start' \
                -join-wan\t'Address of a server of another datacenter to join at start' \
                -log-file\t'File that the log is written to' \
                -log-json\t'Write the log as JSON' \
                -log-level\t'Least level that is logged: TRACE, DEBUG, INFO, WARN or ERROR' \
                -log-rotate-bytes\t'Size at which the log file is rotated, in bytes' \
                -log-rotate-duration\t'Age at which the log file is rotated' \
                -log-rotate-max-files\t'Number of rotated log files to keep' \
                -max-query-time\t'Longest time that a blocking query may wait' \
                -node\t'Name of this node, unique in the cluster' \
                -node-id\t'Id of this node, a UUID' \
                -node-meta\t'Metadata of this node as key:value' \
                -non-voting-server\t'(Enterprise-only) Deprecated name of -read-replica' \
                -pid-file\t'File that holds the agent\'s process id' \
                -primary-gateway\t'Address of a mesh gateway of the primary datacenter' \
                -protocol\t'Version of the gossip protocol' \
                -raft-protocol\t'Version of the raft protocol' \
                -read-replica\t'(Enterprise-only) Receive the replicated data without a vote' \
                -recursor\t'DNS server that answers for other domains' \
                -rejoin\t'Join the cluster again at start even after a leave' \
                -retry-interval\t'Time between attempts to join' \
                -retry-interval-wan\t'Time between attempts to join other datacenters' \
                -retry-join\t'Address of an agent to join, tried until it works' \
                -retry-join-wan\t'Address of a server of another datacenter to join, tried until it works' \
                -retry-max\t'Attempts to join before the agent gives up; 0 for no end' \
                -retry-max-wan\t'Attempts to join other datacenters before the agent gives up; 0 for no end' \
                -segment\t'(Enterprise-only) Network segment to join' \
                -serf-lan-allowed-cidrs\t'Network (CIDR) whose addresses may take part in LAN gossip' \
                -serf-lan-bind\t'Address to bind for LAN gossip' \
                -serf-lan-port\t'Port of LAN gossip' \
                -serf-wan-allowed-cidrs\t'Network (CIDR) whose addresses may take part in WAN gossip' \
                -serf-wan-bind\t'Address to bind for WAN gossip' \
                -serf-wan-port\t'Port of WAN gossip' \
                -server\t'Run as a server' \
                -server-port\t'Port of the server RPC' \
                -syslog\t'Also log to syslog' \
                -ui\t'Serve the web UI' \
                -ui-content-path\t'Path of the web UI' \
                -ui-dir\t'Directory with a web UI to serve instead of the built-in one'
        case 'catalog datacenters'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'catalog nodes'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -detailed\t'Print tagged addresses and metadata as well' \
                -filter\t'Filter expression that a node must match; @FILE and - (stdin) are read' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -near\t'Sort by round-trip time from this node; _agent stands for the queried agent\'s node' \
                -node-meta\t'Metadata key=value that a node must have' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -service\t'The id or name of a service; only nodes that run it are listed' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'catalog services'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -node\t'The id or name of a node; only its services are listed' \
                -node-meta\t'Metadata key=value that the node of a service must have' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tags\t'Print each service\'s tags' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'connect ca get-config'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'connect ca set-config'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -config-file\t'Path of the file' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -force-without-cross-signing\t'Do not have the old root vouch for the new one' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'debug'
            printf '%s\n' \
                -archive\t'Pack the files into one archive' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -capture\t'What to record: metrics, logs, pprof, host, agent or members' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -duration\t'How long to record' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -interval\t'Time between two looks at what changes' \
                -output\t'Path of the archive, without its ending' \
                -since\t'Accepted for compatibility; what the log held before the start cannot be asked for' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'event'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -name\t'Name of the event' \
                -node\t'Regular expression for node names' \
                -service\t'Regular expression for services that a node must run' \
                -tag\t'Regular expression for tags of such a service; needs -service' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'exec'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -node\t'Regular expression for node names' \
                -prefix\t'Prefix of the keys over which the nodes are told and answer' \
                -service\t'Regular expression for services that a node must run' \
                -shell\t'Run the command through a shell' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tag\t'Regular expression for tags of such a service; needs -service' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token' \
                -verbose\t'Tell every step' \
                -wait\t'Silence after which the command ends; doubled while nodes are at work' \
                -wait-repl\t'Pause before the nodes are told, so that they can read from any server'
        case 'force-leave'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -prune\t'Remove the member from the list of members at once' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token' \
                -wan\t'Also in the pool of servers of all datacenters'
        case 'info'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'join'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token' \
                -wan\t'Join the servers of another datacenter over the WAN'
        case 'keyring'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -install\t'Key to add; it is not used for encryption yet' \
                -list\t'List the keys and how many nodes have them' \
                -list-primary\t'List the keys that encrypt' \
                -local-only\t'Only the pools of the server\'s own datacenter; with -list' \
                -relay-factor\t'Nodes through which an answer is relayed, 0 to 5' \
                -remove\t'Key to remove; not the one that encrypts' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token' \
                -use\t'Installed key that is to encrypt from now on'
        case 'kv delete'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -cas\t'Delete only if the key\'s index is the one given with -modify-index' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -modify-index\t'Index for -cas' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -recurse\t'Delete all keys below the prefix' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'kv export'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'kv get'
            printf '%s\n' \
                -base64\t'Print the value in base64' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -detailed\t'Print all that is known about the key, not the value alone' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -keys\t'List the keys below the prefix, without values' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -recurse\t'Print all keys below the prefix with their values' \
                -separator\t'String at which -keys folds the keys of a level into one' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'kv import'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -prefix\t'Put in front of every key of the import' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'kv put'
            printf '%s\n' \
                -acquire\t'Take the lock on the key for the session given with -session' \
                -base64\t'DATA is base64; the decoded bytes are written' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -cas\t'Write only if the key\'s index is the one given with -modify-index' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -flags\t'Number to keep with the key; its meaning is the client\'s own' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -modify-index\t'Index for -cas; 0 writes only if the key does not exist' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -release\t'Release the lock of the session given with -session' \
                -session\t'Session for -acquire and -release' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'leave'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'lock'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -child-exit-code\t'Exit with 2 if the child fails' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -monitor-retry\t'Failed looks at the held lock that are forgiven, 1 second apart' \
                -n\t'Most holders at a time; more than 1 makes a semaphore' \
                -name\t'Name of the lock\'s session; made from the child\'s command if not given' \
                -pass-stdin\t'Give this process\'s standard input to the child' \
                -shell\t'Run the child through a shell ($SHELL or /bin/sh)' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -timeout\t'Longest wait for the lock, such as "1s" or "3h"' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token' \
                -try\t'DEPRECATED' \
                -verbose\t'Tell every step'
        case 'login'
            printf '%s\n' \
                -aws-access-key-id\t'AWS access key id; with -aws-auto-bearer-token' \
                -aws-auto-bearer-token\t'Make the bearer token from AWS credentials' \
                -aws-include-entity\t'Let the server read the IAM role or user too' \
                -aws-region\t'AWS region; with -aws-auto-bearer-token' \
                -aws-secret-access-key\t'AWS secret access key; with -aws-auto-bearer-token' \
                -aws-server-id-header-value\t'Value of the server id header that the auth method demands' \
                -aws-session-token\t'AWS session token; with -aws-auto-bearer-token' \
                -aws-sts-endpoint\t'URL of STS; with -aws-auto-bearer-token' \
                -bearer-token-file\t'File with the credential' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -meta\t'Text for the description of the token, as key=value' \
                -method\t'Name of the auth method' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token' \
                -token-sink-file\t'File to write the token\'s secret to' \
                -type\t'Type of the auth method; not needed'
        case 'logout'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'maint'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -disable\t'Leave maintenance mode' \
                -enable\t'Enter maintenance mode' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -reason\t'Why, for those who look at the check' \
                -service\t'Id of the service that is meant, instead of the node' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'members'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -detailed\t'Print all tags of every member' \
                -filter\t'Filter expression that a member must match' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -segment\t'Network segment of the members' \
                -status\t'Regular expression that a member\'s status must match' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token' \
                -wan\t'List the servers of all datacenters instead'
        case 'monitor'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -log-json\t'Print the lines as JSON' \
                -log-level\t'Lowest level to print' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'operator autopilot get-config'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'operator autopilot set-config'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -cleanup-dead-servers\t'Whether failed servers are removed when a new one joins; true|false' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -disable-upgrade-migration\t'Enterprise, stored only; true|false' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -last-contact-threshold\t'Longest time without contact to the leader before a server counts as unhealthy, such as 200ms' \
                -max-trailing-logs\t'Most log entries that a healthy server may be behind the leader' \
                -min-quorum\t'Number of voters below which nothing is removed' \
                -redundancy-zone-tag\t'Enterprise, stored only' \
                -server-stabilization-time\t'Time that a new server must be healthy before it votes, such as 10s' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token' \
                -upgrade-version-tag\t'Enterprise, stored only'
        case 'operator autopilot state'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -format\t'Output format: {pretty|json}' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'operator raft list-peers'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'operator raft remove-peer'
            printf '%s\n' \
                -address\t'Address of the server, ip:port' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -id\t'Node id of the server' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'operator raft transfer-leader'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -id\t'Node id of the server that is to lead' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'operator usage instances'
            printf '%s\n' \
                -all-datacenters\t'Count in all datacenters' \
                -billable\t'Print only billable instances' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -connect\t'Print only mesh instances' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'reload'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'rtt'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token' \
                -wan\t'Use the coordinates of servers of all datacenters'
        case 'services deregister'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -id\t'Id of the service to remove' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'services register'
            printf '%s\n' \
                -address\t'Address of the service, without port' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -id\t'Id of the service; its name by default' \
                -kind\t'Kind of the service' \
                -meta\t'Metadata of the service, key=value' \
                -name\t'Name of the service' \
                -namespace\t'Namespace of the request; default is the only one here' \
                -partition\t'Admin partition of the request; default is the only one here' \
                -port\t'Port of the service' \
                -socket\t'Path of the service\'s unix socket' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tag\t'Tag of the service' \
                -tagged-address\t'Address for a purpose, name=host:port' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'snapshot inspect'
            printf '%s\n' \
                -format\t'Output format: {pretty|json}' \
                -kvdepth\t'Parts of a key\'s name that make a group; with -kvdetails' \
                -kvdetails\t'Print the space that keys take as well' \
                -kvfilter\t'Count only keys with this prefix; with -kvdetails'
        case 'snapshot restore'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'snapshot save'
            printf '%s\n' \
                -append-filename\t'List of what to add to the file name, in front of its extension: version, dc' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token'
        case 'tls ca create'
            printf '%s\n' \
                -additional-name-constraint\t'Domain below which the authority may sign, beside localhost and -domain; with -name-constraint, may be repeated' \
                -cluster-id\t'Id of the cluster; the certificate carries it as a SPIFFE id' \
                -common-name\t'Common name of the authority; Consul Agent CA and its number by default' \
                -days\t'Days for which the authority is valid' \
                -domain\t'DNS domain of the cluster; file names begin with it' \
                -name-constraint\t'Let the authority sign only for -domain, localhost and what -additional-name-constraint names'
        case 'tls cert create'
            printf '%s\n' \
                -additional-dnsname\t'DNS name that the certificate also carries; may be repeated' \
                -additional-ipaddress\t'Address that the certificate also carries; may be repeated' \
                -ca\t'Certificate of the authority' \
                -cli\t'A certificate for users of the command line' \
                -client\t'A certificate for a client agent' \
                -days\t'Days for which the certificate is valid' \
                -dc\t'Datacenter of the agent' \
                -domain\t'DNS domain of the cluster' \
                -key\t'Key of the authority' \
                -node\t'Name of the server\'s node: the certificate also carries <node>.server.<dc>.<domain>' \
                -server\t'A certificate for a server'
        case 'validate'
            printf '%s\n' \
                -config-format\t'Format of all files whatever their extension: \'hcl\' or \'json\'' \
                -quiet\t'Print nothing when the configuration is valid'
        case 'version'
            printf '%s\n' \
                -format\t'Output format: {pretty|json}'
        case 'watch'
            printf '%s\n' \
                -ca-file\t'File with the CA certificates (PEM) that the agent\'s certificate must lead to' \
                -ca-path\t'Directory with files of CA certificates (PEM)' \
                -client-cert\t'Certificate (PEM) to show to an agent that verifies its clients; needs -client-key' \
                -client-key\t'Key (PEM) of the certificate given with -client-cert' \
                -datacenter\t'Datacenter that answers the request; the agent\'s own by default' \
                -filter\t'Filter expression; for services, nodes, service and checks' \
                -http-addr\t'The address of the agent\'s HTTP API: host:port, optionally with http:// or https:// in front, or unix:///path/to/socket' \
                -key\t'Key to follow; for key' \
                -name\t'Name of the events to follow; for event' \
                -passingonly\t'Only passing instances, [true|false]; for service' \
                -prefix\t'Prefix of the keys to follow; for keyprefix' \
                -service\t'Service to follow; for service, optional for checks' \
                -shell\t'Run the child through a shell' \
                -stale\t'Let any server answer a read, not only the leader: faster, but the answer may be out of date' \
                -state\t'State of the checks to follow; for checks' \
                -tag\t'Tag that instances must have; for service' \
                -tls-server-name\t'Name that the agent\'s TLS certificate must carry, also sent as SNI' \
                -token\t'ACL token of the request' \
                -token-file\t'File that holds the ACL token of the request; wins over -token' \
                -type\t'What to follow: key, keyprefix, services, nodes, service, checks or event'
    end
end

# Flags that take a value.
function __tribune_valued
    switch "$argv"
        case 'acl auth-method create'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -config -datacenter -description -display-name -format -http-addr -kubernetes-ca-cert -kubernetes-host -kubernetes-service-account-jwt -max-token-ttl -name -namespace -partition -tls-server-name -token -token-file -token-locality -type'
        case 'acl auth-method delete'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -name -namespace -partition -tls-server-name -token -token-file'
        case 'acl auth-method list'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -namespace -partition -tls-server-name -token -token-file'
        case 'acl auth-method read'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -name -namespace -partition -tls-server-name -token -token-file'
        case 'acl auth-method update'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -config -datacenter -description -display-name -format -http-addr -kubernetes-ca-cert -kubernetes-host -kubernetes-service-account-jwt -max-token-ttl -name -namespace -partition -tls-server-name -token -token-file -token-locality'
        case 'acl binding-rule create'
            string split ' ' -- '-bind-name -bind-type -bind-vars -ca-file -ca-path -client-cert -client-key -datacenter -description -format -http-addr -method -namespace -partition -selector -tls-server-name -token -token-file'
        case 'acl binding-rule delete'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -id -namespace -partition -tls-server-name -token -token-file'
        case 'acl binding-rule list'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -method -namespace -partition -tls-server-name -token -token-file'
        case 'acl binding-rule read'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -id -namespace -partition -tls-server-name -token -token-file'
        case 'acl binding-rule update'
            string split ' ' -- '-bind-name -bind-type -bind-vars -ca-file -ca-path -client-cert -client-key -datacenter -description -format -http-addr -id -namespace -partition -selector -tls-server-name -token -token-file'
        case 'acl bootstrap'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -tls-server-name -token -token-file'
        case 'acl policy create'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -description -format -http-addr -name -namespace -partition -rules -tls-server-name -token -token-file -valid-datacenter'
        case 'acl policy delete'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -id -name -namespace -partition -tls-server-name -token -token-file'
        case 'acl policy list'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -namespace -partition -tls-server-name -token -token-file'
        case 'acl policy read'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -id -name -namespace -partition -tls-server-name -token -token-file'
        case 'acl policy update'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -description -format -http-addr -id -name -namespace -partition -rules -tls-server-name -token -token-file -valid-datacenter'
        case 'acl role create'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -description -format -http-addr -name -namespace -node-identity -partition -policy-id -policy-name -service-identity -templated-policy -templated-policy-file -tls-server-name -token -token-file -var'
        case 'acl role delete'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -id -name -namespace -partition -tls-server-name -token -token-file'
        case 'acl role list'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -namespace -partition -tls-server-name -token -token-file'
        case 'acl role read'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -id -name -namespace -partition -tls-server-name -token -token-file'
        case 'acl role update'
            string split ' ' -- '-append-templated-policy -append-templated-policy-file -ca-file -ca-path -client-cert -client-key -datacenter -description -format -http-addr -id -name -namespace -node-identity -partition -policy-id -policy-name -replace-templated-policy -replace-templated-policy-file -service-identity -tls-server-name -token -token-file -var'
        case 'acl set-agent-token'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -tls-server-name -token -token-file'
        case 'acl templated-policy list'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -namespace -partition -tls-server-name -token -token-file'
        case 'acl templated-policy preview'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -file -format -http-addr -name -namespace -partition -tls-server-name -token -token-file -var'
        case 'acl templated-policy read'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -name -namespace -partition -tls-server-name -token -token-file'
        case 'acl token clone'
            string split ' ' -- '-accessor-id -ca-file -ca-path -client-cert -client-key -datacenter -description -format -http-addr -namespace -partition -tls-server-name -token -token-file'
        case 'acl token create'
            string split ' ' -- '-accessor -ca-file -ca-path -client-cert -client-key -datacenter -description -expires-ttl -format -http-addr -namespace -node-identity -partition -policy-id -policy-name -role-id -role-name -secret -service-identity -templated-policy -templated-policy-file -tls-server-name -token -token-file -var'
        case 'acl token delete'
            string split ' ' -- '-accessor-id -ca-file -ca-path -client-cert -client-key -datacenter -http-addr -namespace -partition -tls-server-name -token -token-file'
        case 'acl token list'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -namespace -partition -tls-server-name -token -token-file'
        case 'acl token read'
            string split ' ' -- '-accessor-id -ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -namespace -partition -tls-server-name -token -token-file'
        case 'acl token update'
            string split ' ' -- '-accessor-id -append-node-identity -append-policy-id -append-policy-name -append-role-id -append-role-name -append-service-identity -append-templated-policy -append-templated-policy-file -ca-file -ca-path -client-cert -client-key -datacenter -description -format -http-addr -namespace -node-identity -partition -policy-id -policy-name -replace-templated-policy -replace-templated-policy-file -role-id -role-name -service-identity -tls-server-name -token -token-file -var'
        case 'agent'
            string split ' ' -- '-advertise -advertise-wan -allow-write-http-from -alt-domain -bind -bootstrap-expect -check_output_max_size -client -config-dir -config-file -config-format -data-dir -datacenter -default-query-time -dns-port -domain -encrypt -grpc-port -grpc-tls-port -hcl -http-port -https-port -join -join-wan -log-file -log-level -log-rotate-bytes -log-rotate-duration -log-rotate-max-files -max-query-time -node -node-id -node-meta -pid-file -primary-gateway -protocol -raft-protocol -recursor -retry-interval -retry-interval-wan -retry-join -retry-join-wan -retry-max -retry-max-wan -segment -serf-lan-allowed-cidrs -serf-lan-bind -serf-lan-port -serf-wan-allowed-cidrs -serf-wan-bind -serf-wan-port -server-port -ui-content-path -ui-dir'
        case 'catalog datacenters'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -tls-server-name -token -token-file'
        case 'catalog nodes'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -filter -http-addr -near -node-meta -partition -service -tls-server-name -token -token-file'
        case 'catalog services'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -namespace -node -node-meta -partition -tls-server-name -token -token-file'
        case 'connect ca get-config'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -tls-server-name -token -token-file'
        case 'connect ca set-config'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -config-file -datacenter -http-addr -tls-server-name -token -token-file'
        case 'debug'
            string split ' ' -- '-ca-file -ca-path -capture -client-cert -client-key -duration -http-addr -interval -output -since -tls-server-name -token -token-file'
        case 'event'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -http-addr -name -node -service -tag -tls-server-name -token -token-file'
        case 'exec'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -node -prefix -service -tag -tls-server-name -token -token-file -wait -wait-repl'
        case 'force-leave'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -http-addr -partition -tls-server-name -token -token-file'
        case 'info'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -http-addr -tls-server-name -token -token-file'
        case 'join'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -http-addr -partition -tls-server-name -token -token-file'
        case 'keyring'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -http-addr -install -relay-factor -remove -tls-server-name -token -token-file -use'
        case 'kv delete'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -modify-index -namespace -partition -tls-server-name -token -token-file'
        case 'kv export'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -namespace -partition -tls-server-name -token -token-file'
        case 'kv get'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -namespace -partition -separator -tls-server-name -token -token-file'
        case 'kv import'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -namespace -partition -prefix -tls-server-name -token -token-file'
        case 'kv put'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -flags -http-addr -modify-index -namespace -partition -session -tls-server-name -token -token-file'
        case 'leave'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -http-addr -tls-server-name -token -token-file'
        case 'lock'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -monitor-retry -n -name -timeout -tls-server-name -token -token-file -try'
        case 'login'
            string split ' ' -- '-aws-access-key-id -aws-region -aws-secret-access-key -aws-server-id-header-value -aws-session-token -aws-sts-endpoint -bearer-token-file -ca-file -ca-path -client-cert -client-key -datacenter -http-addr -meta -method -namespace -partition -tls-server-name -token -token-file -token-sink-file -type'
        case 'logout'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -tls-server-name -token -token-file'
        case 'maint'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -http-addr -reason -service -tls-server-name -token -token-file'
        case 'members'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -filter -http-addr -partition -segment -status -tls-server-name -token -token-file'
        case 'monitor'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -http-addr -log-level -tls-server-name -token -token-file'
        case 'operator autopilot get-config'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -tls-server-name -token -token-file'
        case 'operator autopilot set-config'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -last-contact-threshold -max-trailing-logs -min-quorum -redundancy-zone-tag -server-stabilization-time -tls-server-name -token -token-file -upgrade-version-tag'
        case 'operator autopilot state'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -tls-server-name -token -token-file'
        case 'operator raft list-peers'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -tls-server-name -token -token-file'
        case 'operator raft remove-peer'
            string split ' ' -- '-address -ca-file -ca-path -client-cert -client-key -datacenter -http-addr -id -tls-server-name -token -token-file'
        case 'operator raft transfer-leader'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -id -tls-server-name -token -token-file'
        case 'operator usage instances'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -tls-server-name -token -token-file'
        case 'reload'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -http-addr -tls-server-name -token -token-file'
        case 'rtt'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -http-addr -tls-server-name -token -token-file'
        case 'services deregister'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -id -namespace -partition -tls-server-name -token -token-file'
        case 'services register'
            string split ' ' -- '-address -ca-file -ca-path -client-cert -client-key -datacenter -http-addr -id -kind -meta -name -namespace -partition -port -socket -tag -tagged-address -tls-server-name -token -token-file'
        case 'snapshot inspect'
            string split ' ' -- '-format -kvdepth -kvfilter'
        case 'snapshot restore'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -tls-server-name -token -token-file'
        case 'snapshot save'
            string split ' ' -- '-append-filename -ca-file -ca-path -client-cert -client-key -datacenter -http-addr -tls-server-name -token -token-file'
        case 'tls ca create'
            string split ' ' -- '-additional-name-constraint -cluster-id -common-name -days -domain'
        case 'tls cert create'
            string split ' ' -- '-additional-dnsname -additional-ipaddress -ca -days -dc -domain -key -node'
        case 'validate'
            string split ' ' -- '-config-format'
        case 'version'
            string split ' ' -- '-format'
        case 'watch'
            string split ' ' -- '-ca-file -ca-path -client-cert -client-key -datacenter -filter -http-addr -key -name -passingonly -prefix -service -state -tag -tls-server-name -token -token-file -type'
    end
end

# What a value is: of a flag, or of the word with this number.
function __tribune_values
    switch "$argv[1]:$argv[2]"
        case 'acl auth-method create:-ca-file'
            echo :files
        case 'acl auth-method create:-ca-path'
            echo :directories
        case 'acl auth-method create:-client-cert'
            echo :files
        case 'acl auth-method create:-client-key'
            echo :files
        case 'acl auth-method create:-datacenter'
            echo :known
        case 'acl auth-method create:-format'
            printf '%s\n' json pretty
        case 'acl auth-method create:-token-file'
            echo :files
        case 'acl auth-method create:-type'
            printf '%s\n' aws-iam jwt kubernetes
        case 'acl auth-method delete:-ca-file'
            echo :files
        case 'acl auth-method delete:-ca-path'
            echo :directories
        case 'acl auth-method delete:-client-cert'
            echo :files
        case 'acl auth-method delete:-client-key'
            echo :files
        case 'acl auth-method delete:-datacenter'
            echo :known
        case 'acl auth-method delete:-name'
            echo :known
        case 'acl auth-method delete:-token-file'
            echo :files
        case 'acl auth-method list:-ca-file'
            echo :files
        case 'acl auth-method list:-ca-path'
            echo :directories
        case 'acl auth-method list:-client-cert'
            echo :files
        case 'acl auth-method list:-client-key'
            echo :files
        case 'acl auth-method list:-datacenter'
            echo :known
        case 'acl auth-method list:-format'
            printf '%s\n' json pretty
        case 'acl auth-method list:-token-file'
            echo :files
        case 'acl auth-method read:-ca-file'
            echo :files
        case 'acl auth-method read:-ca-path'
            echo :directories
        case 'acl auth-method read:-client-cert'
            echo :files
        case 'acl auth-method read:-client-key'
            echo :files
        case 'acl auth-method read:-datacenter'
            echo :known
        case 'acl auth-method read:-format'
            printf '%s\n' json pretty
        case 'acl auth-method read:-name'
            echo :known
        case 'acl auth-method read:-token-file'
            echo :files
        case 'acl auth-method update:-ca-file'
            echo :files
        case 'acl auth-method update:-ca-path'
            echo :directories
        case 'acl auth-method update:-client-cert'
            echo :files
        case 'acl auth-method update:-client-key'
            echo :files
        case 'acl auth-method update:-datacenter'
            echo :known
        case 'acl auth-method update:-format'
            printf '%s\n' json pretty
        case 'acl auth-method update:-name'
            echo :known
        case 'acl auth-method update:-token-file'
            echo :files
        case 'acl binding-rule create:-bind-type'
            printf '%s\n' node policy role service templated-policy
        case 'acl binding-rule create:-ca-file'
            echo :files
        case 'acl binding-rule create:-ca-path'
            echo :directories
        case 'acl binding-rule create:-client-cert'
            echo :files
        case 'acl binding-rule create:-client-key'
            echo :files
        case 'acl binding-rule create:-datacenter'
            echo :known
        case 'acl binding-rule create:-format'
            printf '%s\n' json pretty
        case 'acl binding-rule create:-method'
            echo :known
        case 'acl binding-rule create:-token-file'
            echo :files
        case 'acl binding-rule delete:-ca-file'
            echo :files
        case 'acl binding-rule delete:-ca-path'
            echo :directories
        case 'acl binding-rule delete:-client-cert'
            echo :files
        case 'acl binding-rule delete:-client-key'
            echo :files
        case 'acl binding-rule delete:-datacenter'
            echo :known
        case 'acl binding-rule delete:-id'
            echo :known
        case 'acl binding-rule delete:-token-file'
            echo :files
        case 'acl binding-rule list:-ca-file'
            echo :files
        case 'acl binding-rule list:-ca-path'
            echo :directories
        case 'acl binding-rule list:-client-cert'
            echo :files
        case 'acl binding-rule list:-client-key'
            echo :files
        case 'acl binding-rule list:-datacenter'
            echo :known
        case 'acl binding-rule list:-format'
            printf '%s\n' json pretty
        case 'acl binding-rule list:-method'
            echo :known
        case 'acl binding-rule list:-token-file'
            echo :files
        case 'acl binding-rule read:-ca-file'
            echo :files
        case 'acl binding-rule read:-ca-path'
            echo :directories
        case 'acl binding-rule read:-client-cert'
            echo :files
        case 'acl binding-rule read:-client-key'
            echo :files
        case 'acl binding-rule read:-datacenter'
            echo :known
        case 'acl binding-rule read:-format'
            printf '%s\n' json pretty
        case 'acl binding-rule read:-id'
            echo :known
        case 'acl binding-rule read:-token-file'
            echo :files
        case 'acl binding-rule update:-bind-type'
            printf '%s\n' node policy role service templated-policy
        case 'acl binding-rule update:-ca-file'
            echo :files
        case 'acl binding-rule update:-ca-path'
            echo :directories
        case 'acl binding-rule update:-client-cert'
            echo :files
        case 'acl binding-rule update:-client-key'
            echo :files
        case 'acl binding-rule update:-datacenter'
            echo :known
        case 'acl binding-rule update:-format'
            printf '%s\n' json pretty
        case 'acl binding-rule update:-id'
            echo :known
        case 'acl binding-rule update:-token-file'
            echo :files
        case 'acl bootstrap:-ca-file'
            echo :files
        case 'acl bootstrap:-ca-path'
            echo :directories
        case 'acl bootstrap:-client-cert'
            echo :files
        case 'acl bootstrap:-client-key'
            echo :files
        case 'acl bootstrap:-datacenter'
            echo :known
        case 'acl bootstrap:-format'
            printf '%s\n' json pretty
        case 'acl bootstrap:-token-file'
            echo :files
        case 'acl policy create:-ca-file'
            echo :files
        case 'acl policy create:-ca-path'
            echo :directories
        case 'acl policy create:-client-cert'
            echo :files
        case 'acl policy create:-client-key'
            echo :files
        case 'acl policy create:-datacenter'
            echo :known
        case 'acl policy create:-format'
            printf '%s\n' json pretty
        case 'acl policy create:-token-file'
            echo :files
        case 'acl policy create:-valid-datacenter'
            echo :known
        case 'acl policy delete:-ca-file'
            echo :files
        case 'acl policy delete:-ca-path'
            echo :directories
        case 'acl policy delete:-client-cert'
            echo :files
        case 'acl policy delete:-client-key'
            echo :files
        case 'acl policy delete:-datacenter'
            echo :known
        case 'acl policy delete:-id'
            echo :known
        case 'acl policy delete:-name'
            echo :known
        case 'acl policy delete:-token-file'
            echo :files
        case 'acl policy list:-ca-file'
            echo :files
        case 'acl policy list:-ca-path'
            echo :directories
        case 'acl policy list:-client-cert'
            echo :files
        case 'acl policy list:-client-key'
            echo :files
        case 'acl policy list:-datacenter'
            echo :known
        case 'acl policy list:-format'
            printf '%s\n' json pretty
        case 'acl policy list:-token-file'
            echo :files
        case 'acl policy read:-ca-file'
            echo :files
        case 'acl policy read:-ca-path'
            echo :directories
        case 'acl policy read:-client-cert'
            echo :files
        case 'acl policy read:-client-key'
            echo :files
        case 'acl policy read:-datacenter'
            echo :known
        case 'acl policy read:-format'
            printf '%s\n' json pretty
        case 'acl policy read:-id'
            echo :known
        case 'acl policy read:-name'
            echo :known
        case 'acl policy read:-token-file'
            echo :files
        case 'acl policy update:-ca-file'
            echo :files
        case 'acl policy update:-ca-path'
            echo :directories
        case 'acl policy update:-client-cert'
            echo :files
        case 'acl policy update:-client-key'
            echo :files
        case 'acl policy update:-datacenter'
            echo :known
        case 'acl policy update:-format'
            printf '%s\n' json pretty
        case 'acl policy update:-id'
            echo :known
        case 'acl policy update:-token-file'
            echo :files
        case 'acl policy update:-valid-datacenter'
            echo :known
        case 'acl role create:-ca-file'
            echo :files
        case 'acl role create:-ca-path'
            echo :directories
        case 'acl role create:-client-cert'
            echo :files
        case 'acl role create:-client-key'
            echo :files
        case 'acl role create:-datacenter'
            echo :known
        case 'acl role create:-format'
            printf '%s\n' json pretty
        case 'acl role create:-policy-id'
            echo :known
        case 'acl role create:-policy-name'
            echo :known
        case 'acl role create:-service-identity'
            echo :known
        case 'acl role create:-templated-policy'
            echo :known
        case 'acl role create:-templated-policy-file'
            echo :files
        case 'acl role create:-token-file'
            echo :files
        case 'acl role delete:-ca-file'
            echo :files
        case 'acl role delete:-ca-path'
            echo :directories
        case 'acl role delete:-client-cert'
            echo :files
        case 'acl role delete:-client-key'
            echo :files
        case 'acl role delete:-datacenter'
            echo :known
        case 'acl role delete:-id'
            echo :known
        case 'acl role delete:-name'
            echo :known
        case 'acl role delete:-token-file'
            echo :files
        case 'acl role list:-ca-file'
            echo :files
        case 'acl role list:-ca-path'
            echo :directories
        case 'acl role list:-client-cert'
            echo :files
        case 'acl role list:-client-key'
            echo :files
        case 'acl role list:-datacenter'
            echo :known
        case 'acl role list:-format'
            printf '%s\n' json pretty
        case 'acl role list:-token-file'
            echo :files
        case 'acl role read:-ca-file'
            echo :files
        case 'acl role read:-ca-path'
            echo :directories
        case 'acl role read:-client-cert'
            echo :files
        case 'acl role read:-client-key'
            echo :files
        case 'acl role read:-datacenter'
            echo :known
        case 'acl role read:-format'
            printf '%s\n' json pretty
        case 'acl role read:-id'
            echo :known
        case 'acl role read:-name'
            echo :known
        case 'acl role read:-token-file'
            echo :files
        case 'acl role update:-append-templated-policy'
            echo :known
        case 'acl role update:-append-templated-policy-file'
            echo :files
        case 'acl role update:-ca-file'
            echo :files
        case 'acl role update:-ca-path'
            echo :directories
        case 'acl role update:-client-cert'
            echo :files
        case 'acl role update:-client-key'
            echo :files
        case 'acl role update:-datacenter'
            echo :known
        case 'acl role update:-format'
            printf '%s\n' json pretty
        case 'acl role update:-id'
            echo :known
        case 'acl role update:-policy-id'
            echo :known
        case 'acl role update:-policy-name'
            echo :known
        case 'acl role update:-replace-templated-policy'
            echo :known
        case 'acl role update:-replace-templated-policy-file'
            echo :files
        case 'acl role update:-service-identity'
            echo :known
        case 'acl role update:-token-file'
            echo :files
        case 'acl set-agent-token:-ca-file'
            echo :files
        case 'acl set-agent-token:-ca-path'
            echo :directories
        case 'acl set-agent-token:-client-cert'
            echo :files
        case 'acl set-agent-token:-client-key'
            echo :files
        case 'acl set-agent-token:-datacenter'
            echo :known
        case 'acl set-agent-token:-token-file'
            echo :files
        case 'acl set-agent-token:0'
            printf '%s\n' agent config_file_service_registration default dns recovery replication
        case 'acl templated-policy list:-ca-file'
            echo :files
        case 'acl templated-policy list:-ca-path'
            echo :directories
        case 'acl templated-policy list:-client-cert'
            echo :files
        case 'acl templated-policy list:-client-key'
            echo :files
        case 'acl templated-policy list:-datacenter'
            echo :known
        case 'acl templated-policy list:-format'
            printf '%s\n' json pretty
        case 'acl templated-policy list:-token-file'
            echo :files
        case 'acl templated-policy preview:-ca-file'
            echo :files
        case 'acl templated-policy preview:-ca-path'
            echo :directories
        case 'acl templated-policy preview:-client-cert'
            echo :files
        case 'acl templated-policy preview:-client-key'
            echo :files
        case 'acl templated-policy preview:-datacenter'
            echo :known
        case 'acl templated-policy preview:-file'
            echo :files
        case 'acl templated-policy preview:-format'
            printf '%s\n' json pretty
        case 'acl templated-policy preview:-name'
            echo :known
        case 'acl templated-policy preview:-token-file'
            echo :files
        case 'acl templated-policy read:-ca-file'
            echo :files
        case 'acl templated-policy read:-ca-path'
            echo :directories
        case 'acl templated-policy read:-client-cert'
            echo :files
        case 'acl templated-policy read:-client-key'
            echo :files
        case 'acl templated-policy read:-datacenter'
            echo :known
        case 'acl templated-policy read:-format'
            printf '%s\n' json pretty
        case 'acl templated-policy read:-name'
            echo :known
        case 'acl templated-policy read:-token-file'
            echo :files
        case 'acl token clone:-accessor-id'
            echo :known
        case 'acl token clone:-ca-file'
            echo :files
        case 'acl token clone:-ca-path'
            echo :directories
        case 'acl token clone:-client-cert'
            echo :files
        case 'acl token clone:-client-key'
            echo :files
        case 'acl token clone:-datacenter'
            echo :known
        case 'acl token clone:-format'
            printf '%s\n' json pretty
        case 'acl token clone:-token-file'
            echo :files
        case 'acl token create:-ca-file'
            echo :files
        case 'acl token create:-ca-path'
            echo :directories
        case 'acl token create:-client-cert'
            echo :files
        case 'acl token create:-client-key'
            echo :files
        case 'acl token create:-datacenter'
            echo :known
        case 'acl token create:-format'
            printf '%s\n' json pretty
        case 'acl token create:-policy-id'
            echo :known
        case 'acl token create:-policy-name'
            echo :known
        case 'acl token create:-role-id'
            echo :known
        case 'acl token create:-role-name'
            echo :known
        case 'acl token create:-service-identity'
            echo :known
        case 'acl token create:-templated-policy'
            echo :known
        case 'acl token create:-templated-policy-file'
            echo :files
        case 'acl token create:-token-file'
            echo :files
        case 'acl token delete:-accessor-id'
            echo :known
        case 'acl token delete:-ca-file'
            echo :files
        case 'acl token delete:-ca-path'
            echo :directories
        case 'acl token delete:-client-cert'
            echo :files
        case 'acl token delete:-client-key'
            echo :files
        case 'acl token delete:-datacenter'
            echo :known
        case 'acl token delete:-token-file'
            echo :files
        case 'acl token list:-ca-file'
            echo :files
        case 'acl token list:-ca-path'
            echo :directories
        case 'acl token list:-client-cert'
            echo :files
        case 'acl token list:-client-key'
            echo :files
        case 'acl token list:-datacenter'
            echo :known
        case 'acl token list:-format'
            printf '%s\n' json pretty
        case 'acl token list:-token-file'
            echo :files
        case 'acl token read:-accessor-id'
            echo :known
        case 'acl token read:-ca-file'
            echo :files
        case 'acl token read:-ca-path'
            echo :directories
        case 'acl token read:-client-cert'
            echo :files
        case 'acl token read:-client-key'
            echo :files
        case 'acl token read:-datacenter'
            echo :known
        case 'acl token read:-format'
            printf '%s\n' json pretty
        case 'acl token read:-token-file'
            echo :files
        case 'acl token update:-accessor-id'
            echo :known
        case 'acl token update:-append-policy-id'
            echo :known
        case 'acl token update:-append-policy-name'
            echo :known
        case 'acl token update:-append-role-id'
            echo :known
        case 'acl token update:-append-role-name'
            echo :known
        case 'acl token update:-append-service-identity'
            echo :known
        case 'acl token update:-append-templated-policy'
            echo :known
        case 'acl token update:-append-templated-policy-file'
            echo :files
        case 'acl token update:-ca-file'
            echo :files
        case 'acl token update:-ca-path'
            echo :directories
        case 'acl token update:-client-cert'
            echo :files
        case 'acl token update:-client-key'
            echo :files
        case 'acl token update:-datacenter'
            echo :known
        case 'acl token update:-format'
            printf '%s\n' json pretty
        case 'acl token update:-policy-id'
            echo :known
        case 'acl token update:-policy-name'
            echo :known
        case 'acl token update:-replace-templated-policy'
            echo :known
        case 'acl token update:-replace-templated-policy-file'
            echo :files
        case 'acl token update:-role-id'
            echo :known
        case 'acl token update:-role-name'
            echo :known
        case 'acl token update:-service-identity'
            echo :known
        case 'acl token update:-token-file'
            echo :files
        case 'agent:-config-dir'
            echo :directories
        case 'agent:-config-file'
            echo :files
        case 'agent:-config-format'
            printf '%s\n' hcl json
        case 'agent:-data-dir'
            echo :directories
        case 'agent:-log-file'
            echo :files
        case 'agent:-log-level'
            printf '%s\n' debug err info trace warn
        case 'agent:-pid-file'
            echo :files
        case 'agent:-ui-dir'
            echo :directories
        case 'catalog datacenters:-ca-file'
            echo :files
        case 'catalog datacenters:-ca-path'
            echo :directories
        case 'catalog datacenters:-client-cert'
            echo :files
        case 'catalog datacenters:-client-key'
            echo :files
        case 'catalog datacenters:-datacenter'
            echo :known
        case 'catalog datacenters:-token-file'
            echo :files
        case 'catalog nodes:-ca-file'
            echo :files
        case 'catalog nodes:-ca-path'
            echo :directories
        case 'catalog nodes:-client-cert'
            echo :files
        case 'catalog nodes:-client-key'
            echo :files
        case 'catalog nodes:-datacenter'
            echo :known
        case 'catalog nodes:-near'
            echo :known
        case 'catalog nodes:-service'
            echo :known
        case 'catalog nodes:-token-file'
            echo :files
        case 'catalog services:-ca-file'
            echo :files
        case 'catalog services:-ca-path'
            echo :directories
        case 'catalog services:-client-cert'
            echo :files
        case 'catalog services:-client-key'
            echo :files
        case 'catalog services:-datacenter'
            echo :known
        case 'catalog services:-node'
            echo :known
        case 'catalog services:-token-file'
            echo :files
        case 'connect ca get-config:-ca-file'
            echo :files
        case 'connect ca get-config:-ca-path'
            echo :directories
        case 'connect ca get-config:-client-cert'
            echo :files
        case 'connect ca get-config:-client-key'
            echo :files
        case 'connect ca get-config:-datacenter'
            echo :known
        case 'connect ca get-config:-token-file'
            echo :files
        case 'connect ca set-config:-ca-file'
            echo :files
        case 'connect ca set-config:-ca-path'
            echo :directories
        case 'connect ca set-config:-client-cert'
            echo :files
        case 'connect ca set-config:-client-key'
            echo :files
        case 'connect ca set-config:-datacenter'
            echo :known
        case 'connect ca set-config:-token-file'
            echo :files
        case 'debug:-ca-file'
            echo :files
        case 'debug:-ca-path'
            echo :directories
        case 'debug:-client-cert'
            echo :files
        case 'debug:-client-key'
            echo :files
        case 'debug:-output'
            echo :files
        case 'debug:-token-file'
            echo :files
        case 'event:-ca-file'
            echo :files
        case 'event:-ca-path'
            echo :directories
        case 'event:-client-cert'
            echo :files
        case 'event:-client-key'
            echo :files
        case 'event:-name'
            echo :known
        case 'event:-node'
            echo :known
        case 'event:-service'
            echo :known
        case 'event:-token-file'
            echo :files
        case 'exec:-ca-file'
            echo :files
        case 'exec:-ca-path'
            echo :directories
        case 'exec:-client-cert'
            echo :files
        case 'exec:-client-key'
            echo :files
        case 'exec:-datacenter'
            echo :known
        case 'exec:-node'
            echo :known
        case 'exec:-service'
            echo :known
        case 'exec:-token-file'
            echo :files
        case 'force-leave:-ca-file'
            echo :files
        case 'force-leave:-ca-path'
            echo :directories
        case 'force-leave:-client-cert'
            echo :files
        case 'force-leave:-client-key'
            echo :files
        case 'force-leave:-token-file'
            echo :files
        case 'force-leave:0'
            echo :known
        case 'info:-ca-file'
            echo :files
        case 'info:-ca-path'
            echo :directories
        case 'info:-client-cert'
            echo :files
        case 'info:-client-key'
            echo :files
        case 'info:-token-file'
            echo :files
        case 'join:-ca-file'
            echo :files
        case 'join:-ca-path'
            echo :directories
        case 'join:-client-cert'
            echo :files
        case 'join:-client-key'
            echo :files
        case 'join:-token-file'
            echo :files
        case 'keyring:-ca-file'
            echo :files
        case 'keyring:-ca-path'
            echo :directories
        case 'keyring:-client-cert'
            echo :files
        case 'keyring:-client-key'
            echo :files
        case 'keyring:-token-file'
            echo :files
        case 'kv delete:-ca-file'
            echo :files
        case 'kv delete:-ca-path'
            echo :directories
        case 'kv delete:-client-cert'
            echo :files
        case 'kv delete:-client-key'
            echo :files
        case 'kv delete:-datacenter'
            echo :known
        case 'kv delete:-token-file'
            echo :files
        case 'kv delete:0'
            echo :known
        case 'kv export:-ca-file'
            echo :files
        case 'kv export:-ca-path'
            echo :directories
        case 'kv export:-client-cert'
            echo :files
        case 'kv export:-client-key'
            echo :files
        case 'kv export:-datacenter'
            echo :known
        case 'kv export:-token-file'
            echo :files
        case 'kv export:0'
            echo :known
        case 'kv get:-ca-file'
            echo :files
        case 'kv get:-ca-path'
            echo :directories
        case 'kv get:-client-cert'
            echo :files
        case 'kv get:-client-key'
            echo :files
        case 'kv get:-datacenter'
            echo :known
        case 'kv get:-token-file'
            echo :files
        case 'kv get:0'
            echo :known
        case 'kv import:-ca-file'
            echo :files
        case 'kv import:-ca-path'
            echo :directories
        case 'kv import:-client-cert'
            echo :files
        case 'kv import:-client-key'
            echo :files
        case 'kv import:-datacenter'
            echo :known
        case 'kv import:-prefix'
            echo :known
        case 'kv import:-token-file'
            echo :files
        case 'kv put:-ca-file'
            echo :files
        case 'kv put:-ca-path'
            echo :directories
        case 'kv put:-client-cert'
            echo :files
        case 'kv put:-client-key'
            echo :files
        case 'kv put:-datacenter'
            echo :known
        case 'kv put:-token-file'
            echo :files
        case 'kv put:0'
            echo :known
        case 'leave:-ca-file'
            echo :files
        case 'leave:-ca-path'
            echo :directories
        case 'leave:-client-cert'
            echo :files
        case 'leave:-client-key'
            echo :files
        case 'leave:-token-file'
            echo :files
        case 'lock:-ca-file'
            echo :files
        case 'lock:-ca-path'
            echo :directories
        case 'lock:-client-cert'
            echo :files
        case 'lock:-client-key'
            echo :files
        case 'lock:-datacenter'
            echo :known
        case 'lock:-token-file'
            echo :files
        case 'lock:0'
            echo :known
        case 'login:-bearer-token-file'
            echo :files
        case 'login:-ca-file'
            echo :files
        case 'login:-ca-path'
            echo :directories
        case 'login:-client-cert'
            echo :files
        case 'login:-client-key'
            echo :files
        case 'login:-datacenter'
            echo :known
        case 'login:-method'
            echo :known
        case 'login:-token-file'
            echo :files
        case 'login:-token-sink-file'
            echo :files
        case 'login:-type'
            printf '%s\n' aws-iam jwt kubernetes
        case 'logout:-ca-file'
            echo :files
        case 'logout:-ca-path'
            echo :directories
        case 'logout:-client-cert'
            echo :files
        case 'logout:-client-key'
            echo :files
        case 'logout:-datacenter'
            echo :known
        case 'logout:-token-file'
            echo :files
        case 'maint:-ca-file'
            echo :files
        case 'maint:-ca-path'
            echo :directories
        case 'maint:-client-cert'
            echo :files
        case 'maint:-client-key'
            echo :files
        case 'maint:-service'
            echo :known
        case 'maint:-token-file'
            echo :files
        case 'members:-ca-file'
            echo :files
        case 'members:-ca-path'
            echo :directories
        case 'members:-client-cert'
            echo :files
        case 'members:-client-key'
            echo :files
        case 'members:-token-file'
            echo :files
        case 'monitor:-ca-file'
            echo :files
        case 'monitor:-ca-path'
            echo :directories
        case 'monitor:-client-cert'
            echo :files
        case 'monitor:-client-key'
            echo :files
        case 'monitor:-log-level'
            printf '%s\n' debug err info trace warn
        case 'monitor:-token-file'
            echo :files
        case 'operator autopilot get-config:-ca-file'
            echo :files
        case 'operator autopilot get-config:-ca-path'
            echo :directories
        case 'operator autopilot get-config:-client-cert'
            echo :files
        case 'operator autopilot get-config:-client-key'
            echo :files
        case 'operator autopilot get-config:-datacenter'
            echo :known
        case 'operator autopilot get-config:-token-file'
            echo :files
        case 'operator autopilot set-config:-ca-file'
            echo :files
        case 'operator autopilot set-config:-ca-path'
            echo :directories
        case 'operator autopilot set-config:-client-cert'
            echo :files
        case 'operator autopilot set-config:-client-key'
            echo :files
        case 'operator autopilot set-config:-datacenter'
            echo :known
        case 'operator autopilot set-config:-token-file'
            echo :files
        case 'operator autopilot state:-ca-file'
            echo :files
        case 'operator autopilot state:-ca-path'
            echo :directories
        case 'operator autopilot state:-client-cert'
            echo :files
        case 'operator autopilot state:-client-key'
            echo :files
        case 'operator autopilot state:-datacenter'
            echo :known
        case 'operator autopilot state:-format'
            printf '%s\n' json pretty
        case 'operator autopilot state:-token-file'
            echo :files
        case 'operator raft list-peers:-ca-file'
            echo :files
        case 'operator raft list-peers:-ca-path'
            echo :directories
        case 'operator raft list-peers:-client-cert'
            echo :files
        case 'operator raft list-peers:-client-key'
            echo :files
        case 'operator raft list-peers:-datacenter'
            echo :known
        case 'operator raft list-peers:-token-file'
            echo :files
        case 'operator raft remove-peer:-address'
            echo :known
        case 'operator raft remove-peer:-ca-file'
            echo :files
        case 'operator raft remove-peer:-ca-path'
            echo :directories
        case 'operator raft remove-peer:-client-cert'
            echo :files
        case 'operator raft remove-peer:-client-key'
            echo :files
        case 'operator raft remove-peer:-datacenter'
            echo :known
        case 'operator raft remove-peer:-id'
            echo :known
        case 'operator raft remove-peer:-token-file'
            echo :files
        case 'operator raft transfer-leader:-ca-file'
            echo :files
        case 'operator raft transfer-leader:-ca-path'
            echo :directories
        case 'operator raft transfer-leader:-client-cert'
            echo :files
        case 'operator raft transfer-leader:-client-key'
            echo :files
        case 'operator raft transfer-leader:-datacenter'
            echo :known
        case 'operator raft transfer-leader:-id'
            echo :known
        case 'operator raft transfer-leader:-token-file'
            echo :files
        case 'operator usage instances:-ca-file'
            echo :files
        case 'operator usage instances:-ca-path'
            echo :directories
        case 'operator usage instances:-client-cert'
            echo :files
        case 'operator usage instances:-client-key'
            echo :files
        case 'operator usage instances:-datacenter'
            echo :known
        case 'operator usage instances:-token-file'
            echo :files
        case 'reload:-ca-file'
            echo :files
        case 'reload:-ca-path'
            echo :directories
        case 'reload:-client-cert'
            echo :files
        case 'reload:-client-key'
            echo :files
        case 'reload:-token-file'
            echo :files
        case 'rtt:-ca-file'
            echo :files
        case 'rtt:-ca-path'
            echo :directories
        case 'rtt:-client-cert'
            echo :files
        case 'rtt:-client-key'
            echo :files
        case 'rtt:-token-file'
            echo :files
        case 'rtt:0'
            echo :known
        case 'rtt:1'
            echo :known
        case 'services deregister:-ca-file'
            echo :files
        case 'services deregister:-ca-path'
            echo :directories
        case 'services deregister:-client-cert'
            echo :files
        case 'services deregister:-client-key'
            echo :files
        case 'services deregister:-datacenter'
            echo :known
        case 'services deregister:-id'
            echo :known
        case 'services deregister:-token-file'
            echo :files
        case 'services deregister:*'
            echo :files
        case 'services register:-ca-file'
            echo :files
        case 'services register:-ca-path'
            echo :directories
        case 'services register:-client-cert'
            echo :files
        case 'services register:-client-key'
            echo :files
        case 'services register:-datacenter'
            echo :known
        case 'services register:-name'
            echo :known
        case 'services register:-token-file'
            echo :files
        case 'services register:*'
            echo :files
        case 'snapshot decode:0'
            echo :files
        case 'snapshot inspect:-format'
            printf '%s\n' json pretty
        case 'snapshot inspect:-kvfilter'
            echo :known
        case 'snapshot inspect:0'
            echo :files
        case 'snapshot restore:-ca-file'
            echo :files
        case 'snapshot restore:-ca-path'
            echo :directories
        case 'snapshot restore:-client-cert'
            echo :files
        case 'snapshot restore:-client-key'
            echo :files
        case 'snapshot restore:-datacenter'
            echo :known
        case 'snapshot restore:-token-file'
            echo :files
        case 'snapshot restore:0'
            echo :files
        case 'snapshot save:-ca-file'
            echo :files
        case 'snapshot save:-ca-path'
            echo :directories
        case 'snapshot save:-client-cert'
            echo :files
        case 'snapshot save:-client-key'
            echo :files
        case 'snapshot save:-datacenter'
            echo :known
        case 'snapshot save:-token-file'
            echo :files
        case 'snapshot save:0'
            echo :files
        case 'tls cert create:-ca'
            echo :files
        case 'tls cert create:-key'
            echo :files
        case 'validate:-config-format'
            printf '%s\n' hcl json
        case 'validate:*'
            echo :files
        case 'version:-format'
            printf '%s\n' json pretty
        case 'watch:-ca-file'
            echo :files
        case 'watch:-ca-path'
            echo :directories
        case 'watch:-client-cert'
            echo :files
        case 'watch:-client-key'
            echo :files
        case 'watch:-datacenter'
            echo :known
        case 'watch:-key'
            echo :known
        case 'watch:-name'
            echo :known
        case 'watch:-passingonly'
            printf '%s\n' false true
        case 'watch:-prefix'
            echo :known
        case 'watch:-service'
            echo :known
        case 'watch:-state'
            printf '%s\n' any critical passing warning
        case 'watch:-token-file'
            echo :files
        case 'watch:-type'
            printf '%s\n' checks event key keyprefix node nodes service services
    end
end

function __tribune_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    set -l typed (commandline -ct | string unescape)
    test (count $typed) -gt 0
    or set typed (commandline -ct | string trim -l -c '\'"')
    set -l place name
    set -l command
    set -l flag
    set -l count 0
    set -l valued
    for word in $words
        if test $place = name
            if __tribune_names $command | string match -q -- "$word"\t'*'
                set -a command $word
                set valued (__tribune_valued $command)
                continue
            end
            test (count $command) -gt 0
            or return
            set place flag
        end
        if test $place = word
            set count (math $count + 1)
        else if test -n "$flag"
            set flag
        else if test "$word" = --
            set place word
        else if string match -q -- '-?*' "$word"
            set word (string replace -r -- '^--' - "$word")
            contains -- $word $valued
            and set flag $word
        else
            set place word
            set count 1
        end
    end

    set -l before ''
    set -l kind
    if test -n "$flag"
        set kind (__tribune_values "$command" $flag)
    else if test $place != word; and string match -q -- '-*=*' "$typed"
        set -l parts (string split -m 1 = -- "$typed")
        set before $parts[1]=
        set typed $parts[2]
        set kind (__tribune_values "$command" (string replace -r -- '^--' - $parts[1]))
    else if test $place != word; and string match -q -- '-*' "$typed"
        # two dashes are as good as one
        set -l dash (string match -q -- '--*' "$typed"; and echo -)
        string replace -r -- '^' "$dash" (__tribune_flags $command)
        return
    else if test $place = name; and __tribune_names $command | string length -q
        __tribune_names $command
        return
    else
        set kind (__tribune_values "$command" $count)
    end

    switch "$kind[1]"
        case ''
            return
        case :known
            set -l found (command $program generate candidates -- $words "$before$typed" 2>/dev/null)
            test (count $found) -gt 0
            and printf '%s\n' $before$found
        case :files
            printf '%s\n' $before(__fish_complete_path "$typed")
        case :directories
            printf '%s\n' $before(__fish_complete_directories "$typed" '')
        case '*'
            printf '%s\n' $before$kind
    end
end

complete -c tribune -f -a '(__tribune_complete)'
