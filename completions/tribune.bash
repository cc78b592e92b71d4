# bash completion for tribune; made from its table of commands by `tribune generate completions DIR`.

# What a command has: next parts of its name, flags, those of them that take a value.
_tribune_table() {
    names='' flags='' valued=''
    case $1 in
        '')
            names='acl agent catalog connect debug event exec force-leave info join keygen keyring kv leave lock login logout maint members monitor operator reload rtt services snapshot tls validate version watch'
            flags='-autocomplete-install -autocomplete-uninstall -help -version'
            valued=''
            ;;
        'acl')
            names='auth-method binding-rule bootstrap policy role set-agent-token templated-policy token'
            flags=''
            valued=''
            ;;
        'acl auth-method')
            names='create delete list read update'
            flags=''
            valued=''
            ;;
        'acl auth-method create')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -config -datacenter -description -display-name -format -http-addr -kubernetes-ca-cert -kubernetes-host -kubernetes-service-account-jwt -max-token-ttl -meta -name -namespace -partition -stale -tls-server-name -token -token-file -token-locality -type'
            valued='-ca-file -ca-path -client-cert -client-key -config -datacenter -description -display-name -format -http-addr -kubernetes-ca-cert -kubernetes-host -kubernetes-service-account-jwt -max-token-ttl -name -namespace -partition -tls-server-name -token -token-file -token-locality -type'
            ;;
        'acl auth-method delete')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -name -namespace -partition -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -name -namespace -partition -tls-server-name -token -token-file'
            ;;
        'acl auth-method list')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -meta -namespace -partition -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -namespace -partition -tls-server-name -token -token-file'
            ;;
        'acl auth-method read')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -meta -name -namespace -partition -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -name -namespace -partition -tls-server-name -token -token-file'
            ;;
        'acl auth-method update')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -config -datacenter -description -display-name -format -http-addr -kubernetes-ca-cert -kubernetes-host -kubernetes-service-account-jwt -max-token-ttl -meta -name -namespace -no-merge -partition -stale -tls-server-name -token -token-file -token-locality'
            valued='-ca-file -ca-path -client-cert -client-key -config -datacenter -description -display-name -format -http-addr -kubernetes-ca-cert -kubernetes-host -kubernetes-service-account-jwt -max-token-ttl -name -namespace -partition -tls-server-name -token -token-file -token-locality'
            ;;
        'acl binding-rule')
            names='create delete list read update'
            flags=''
            valued=''
            ;;
        'acl binding-rule create')
            names=''
            flags='-bind-name -bind-type -bind-vars -ca-file -ca-path -client-cert -client-key -datacenter -description -format -http-addr -meta -method -namespace -partition -selector -stale -tls-server-name -token -token-file'
            valued='-bind-name -bind-type -bind-vars -ca-file -ca-path -client-cert -client-key -datacenter -description -format -http-addr -method -namespace -partition -selector -tls-server-name -token -token-file'
            ;;
        'acl binding-rule delete')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -id -namespace -partition -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -id -namespace -partition -tls-server-name -token -token-file'
            ;;
        'acl binding-rule list')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -meta -method -namespace -partition -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -method -namespace -partition -tls-server-name -token -token-file'
            ;;
        'acl binding-rule read')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -id -meta -namespace -partition -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -id -namespace -partition -tls-server-name -token -token-file'
            ;;
        'acl binding-rule update')
            names=''
            flags='-bind-name -bind-type -bind-vars -ca-file -ca-path -client-cert -client-key -datacenter -description -format -http-addr -id -meta -namespace -no-merge -partition -selector -stale -tls-server-name -token -token-file'
            valued='-bind-name -bind-type -bind-vars -ca-file -ca-path -client-cert -client-key -datacenter -description -format -http-addr -id -namespace -partition -selector -tls-server-name -token -token-file'
            ;;
        'acl bootstrap')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -tls-server-name -token -token-file'
            ;;
        'acl policy')
            names='create delete list read update'
            flags=''
            valued=''
            ;;
        'acl policy create')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -description -format -http-addr -meta -name -namespace -partition -rules -stale -tls-server-name -token -token-file -valid-datacenter'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -description -format -http-addr -name -namespace -partition -rules -tls-server-name -token -token-file -valid-datacenter'
            ;;
        'acl policy delete')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -id -name -namespace -partition -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -id -name -namespace -partition -tls-server-name -token -token-file'
            ;;
        'acl policy list')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -meta -namespace -partition -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -namespace -partition -tls-server-name -token -token-file'
            ;;
        'acl policy read')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -id -meta -name -namespace -partition -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -id -name -namespace -partition -tls-server-name -token -token-file'
            ;;
        'acl policy update')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -description -format -http-addr -id -meta -name -namespace -no-merge -partition -rules -stale -tls-server-name -token -token-file -valid-datacenter'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -description -format -http-addr -id -name -namespace -partition -rules -tls-server-name -token -token-file -valid-datacenter'
            ;;
        'acl role')
            names='create delete list read update'
            flags=''
            valued=''
            ;;
        'acl role create')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -description -format -http-addr -meta -name -namespace -node-identity -partition -policy-id -policy-name -service-identity -stale -templated-policy -templated-policy-file -tls-server-name -token -token-file -var'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -description -format -http-addr -name -namespace -node-identity -partition -policy-id -policy-name -service-identity -templated-policy -templated-policy-file -tls-server-name -token -token-file -var'
            ;;
        'acl role delete')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -id -name -namespace -partition -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -id -name -namespace -partition -tls-server-name -token -token-file'
            ;;
        'acl role list')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -meta -namespace -partition -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -namespace -partition -tls-server-name -token -token-file'
            ;;
        'acl role read')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -id -meta -name -namespace -partition -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -id -name -namespace -partition -tls-server-name -token -token-file'
            ;;
        'acl role update')
            names=''
            flags='-append-templated-policy -append-templated-policy-file -ca-file -ca-path -client-cert -client-key -datacenter -description -format -http-addr -id -meta -name -namespace -no-merge -node-identity -partition -policy-id -policy-name -replace-templated-policy -replace-templated-policy-file -service-identity -stale -tls-server-name -token -token-file -var'
            valued='-append-templated-policy -append-templated-policy-file -ca-file -ca-path -client-cert -client-key -datacenter -description -format -http-addr -id -name -namespace -node-identity -partition -policy-id -policy-name -replace-templated-policy -replace-templated-policy-file -service-identity -tls-server-name -token -token-file -var'
            ;;
        'acl set-agent-token')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -tls-server-name -token -token-file'
            ;;
        'acl templated-policy')
            names='list preview read'
            flags=''
            valued=''
            ;;
        'acl templated-policy list')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -namespace -partition -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -namespace -partition -tls-server-name -token -token-file'
            ;;
        'acl templated-policy preview')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -file -format -http-addr -meta -name -namespace -partition -stale -tls-server-name -token -token-file -var'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -file -format -http-addr -name -namespace -partition -tls-server-name -token -token-file -var'
            ;;
        'acl templated-policy read')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -meta -name -namespace -partition -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -name -namespace -partition -tls-server-name -token -token-file'
            ;;
        'acl token')
            names='clone create delete list read update'
            flags=''
            valued=''
            ;;
        'acl token clone')
            names=''
            flags='-accessor-id -ca-file -ca-path -client-cert -client-key -datacenter -description -format -http-addr -namespace -partition -stale -tls-server-name -token -token-file'
            valued='-accessor-id -ca-file -ca-path -client-cert -client-key -datacenter -description -format -http-addr -namespace -partition -tls-server-name -token -token-file'
            ;;
        'acl token create')
            names=''
            flags='-accessor -ca-file -ca-path -client-cert -client-key -datacenter -description -expires-ttl -format -http-addr -local -meta -namespace -node-identity -partition -policy-id -policy-name -role-id -role-name -secret -service-identity -stale -templated-policy -templated-policy-file -tls-server-name -token -token-file -var'
            valued='-accessor -ca-file -ca-path -client-cert -client-key -datacenter -description -expires-ttl -format -http-addr -namespace -node-identity -partition -policy-id -policy-name -role-id -role-name -secret -service-identity -templated-policy -templated-policy-file -tls-server-name -token -token-file -var'
            ;;
        'acl token delete')
            names=''
            flags='-accessor-id -ca-file -ca-path -client-cert -client-key -datacenter -http-addr -namespace -partition -stale -tls-server-name -token -token-file'
            valued='-accessor-id -ca-file -ca-path -client-cert -client-key -datacenter -http-addr -namespace -partition -tls-server-name -token -token-file'
            ;;
        'acl token list')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -meta -namespace -partition -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -namespace -partition -tls-server-name -token -token-file'
            ;;
        'acl token read')
            names=''
            flags='-accessor-id -ca-file -ca-path -client-cert -client-key -datacenter -expanded -format -http-addr -meta -namespace -partition -self -stale -tls-server-name -token -token-file'
            valued='-accessor-id -ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -namespace -partition -tls-server-name -token -token-file'
            ;;
        'acl token update')
            names=''
            flags='-accessor-id -append-node-identity -append-policy-id -append-policy-name -append-role-id -append-role-name -append-service-identity -append-templated-policy -append-templated-policy-file -ca-file -ca-path -client-cert -client-key -datacenter -description -format -http-addr -meta -namespace -node-identity -partition -policy-id -policy-name -replace-templated-policy -replace-templated-policy-file -role-id -role-name -service-identity -stale -tls-server-name -token -token-file -var'
            valued='-accessor-id -append-node-identity -append-policy-id -append-policy-name -append-role-id -append-role-name -append-service-identity -append-templated-policy -append-templated-policy-file -ca-file -ca-path -client-cert -client-key -datacenter -description -format -http-addr -namespace -node-identity -partition -policy-id -policy-name -replace-templated-policy -replace-templated-policy-file -role-id -role-name -service-identity -tls-server-name -token -token-file -var'
            ;;
        'agent')
            names=''
            flags='-advertise -advertise-wan -allow-write-http-from -alt-domain -auto-reload-config -bind -bootstrap -bootstrap-expect -check_output_max_size -client -config-dir -config-file -config-format -data-dir -datacenter -default-query-time -dev -disable-host-node-id -disable-keyring-file -dns-port -domain -enable-local-script-checks -enable-script-checks -encrypt -grpc-port -grpc-tls-port -hcl -http-port -https-port -join -join-wan -log-file -log-json -log-level -log-rotate-bytes -log-rotate-duration -log-rotate-max-files -max-query-time -node -node-id -node-meta -non-voting-server -pid-file -primary-gateway -protocol -raft-protocol -read-replica -recursor -rejoin -retry-interval -retry-interval-wan -retry-join -retry-join-wan -retry-max -retry-max-wan -segment -serf-lan-allowed-cidrs -serf-lan-bind -serf-lan-port -serf-wan-allowed-cidrs -serf-wan-bind -serf-wan-port -server -server-port -syslog -ui -ui-content-path -ui-dir'
            valued='-advertise -advertise-wan -allow-write-http-from -alt-domain -bind -bootstrap-expect -check_output_max_size -client -config-dir -config-file -config-format -data-dir -datacenter -default-query-time -dns-port -domain -encrypt -grpc-port -grpc-tls-port -hcl -http-port -https-port -join -join-wan -log-file -log-level -log-rotate-bytes -log-rotate-duration -log-rotate-max-files -max-query-time -node -node-id -node-meta -pid-file -primary-gateway -protocol -raft-protocol -recursor -retry-interval -retry-interval-wan -retry-join -retry-join-wan -retry-max -retry-max-wan -segment -serf-lan-allowed-cidrs -serf-lan-bind -serf-lan-port -serf-wan-allowed-cidrs -serf-wan-bind -serf-wan-port -server-port -ui-content-path -ui-dir'
            ;;
        'catalog')
            names='datacenters nodes services'
            flags=''
            valued=''
            ;;
        'catalog datacenters')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -tls-server-name -token -token-file'
            ;;
        'catalog nodes')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -detailed -filter -http-addr -near -node-meta -partition -service -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -filter -http-addr -near -node-meta -partition -service -tls-server-name -token -token-file'
            ;;
        'catalog services')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -namespace -node -node-meta -partition -stale -tags -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -namespace -node -node-meta -partition -tls-server-name -token -token-file'
            ;;
        'connect')
            names='ca'
            flags=''
            valued=''
            ;;
        'connect ca')
            names='get-config set-config'
            flags=''
            valued=''
            ;;
        'connect ca get-config')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -tls-server-name -token -token-file'
            ;;
        'connect ca set-config')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -config-file -datacenter -force-without-cross-signing -http-addr -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -config-file -datacenter -http-addr -tls-server-name -token -token-file'
            ;;
        'debug')
            names=''
            flags='-archive -ca-file -ca-path -capture -client-cert -client-key -duration -http-addr -interval -output -since -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -capture -client-cert -client-key -duration -http-addr -interval -output -since -tls-server-name -token -token-file'
            ;;
        'event')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -http-addr -name -node -service -tag -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -http-addr -name -node -service -tag -tls-server-name -token -token-file'
            ;;
        'exec')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -node -prefix -service -shell -stale -tag -tls-server-name -token -token-file -verbose -wait -wait-repl'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -node -prefix -service -tag -tls-server-name -token -token-file -wait -wait-repl'
            ;;
        'force-leave')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -http-addr -partition -prune -tls-server-name -token -token-file -wan'
            valued='-ca-file -ca-path -client-cert -client-key -http-addr -partition -tls-server-name -token -token-file'
            ;;
        'info')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -http-addr -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -http-addr -tls-server-name -token -token-file'
            ;;
        'join')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -http-addr -partition -tls-server-name -token -token-file -wan'
            valued='-ca-file -ca-path -client-cert -client-key -http-addr -partition -tls-server-name -token -token-file'
            ;;
        'keygen')
            names=''
            flags=''
            valued=''
            ;;
        'keyring')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -http-addr -install -list -list-primary -local-only -relay-factor -remove -tls-server-name -token -token-file -use'
            valued='-ca-file -ca-path -client-cert -client-key -http-addr -install -relay-factor -remove -tls-server-name -token -token-file -use'
            ;;
        'kv')
            names='delete export get import put'
            flags=''
            valued=''
            ;;
        'kv delete')
            names=''
            flags='-ca-file -ca-path -cas -client-cert -client-key -datacenter -http-addr -modify-index -namespace -partition -recurse -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -modify-index -namespace -partition -tls-server-name -token -token-file'
            ;;
        'kv export')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -namespace -partition -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -namespace -partition -tls-server-name -token -token-file'
            ;;
        'kv get')
            names=''
            flags='-base64 -ca-file -ca-path -client-cert -client-key -datacenter -detailed -http-addr -keys -namespace -partition -recurse -separator -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -namespace -partition -separator -tls-server-name -token -token-file'
            ;;
        'kv import')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -namespace -partition -prefix -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -namespace -partition -prefix -tls-server-name -token -token-file'
            ;;
        'kv put')
            names=''
            flags='-acquire -base64 -ca-file -ca-path -cas -client-cert -client-key -datacenter -flags -http-addr -modify-index -namespace -partition -release -session -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -flags -http-addr -modify-index -namespace -partition -session -tls-server-name -token -token-file'
            ;;
        'leave')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -http-addr -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -http-addr -tls-server-name -token -token-file'
            ;;
        'lock')
            names=''
            flags='-ca-file -ca-path -child-exit-code -client-cert -client-key -datacenter -http-addr -monitor-retry -n -name -pass-stdin -shell -stale -timeout -tls-server-name -token -token-file -try -verbose'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -monitor-retry -n -name -timeout -tls-server-name -token -token-file -try'
            ;;
        'login')
            names=''
            flags='-aws-access-key-id -aws-auto-bearer-token -aws-include-entity -aws-region -aws-secret-access-key -aws-server-id-header-value -aws-session-token -aws-sts-endpoint -bearer-token-file -ca-file -ca-path -client-cert -client-key -datacenter -http-addr -meta -method -namespace -partition -stale -tls-server-name -token -token-file -token-sink-file -type'
            valued='-aws-access-key-id -aws-region -aws-secret-access-key -aws-server-id-header-value -aws-session-token -aws-sts-endpoint -bearer-token-file -ca-file -ca-path -client-cert -client-key -datacenter -http-addr -meta -method -namespace -partition -tls-server-name -token -token-file -token-sink-file -type'
            ;;
        'logout')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -tls-server-name -token -token-file'
            ;;
        'maint')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -disable -enable -http-addr -reason -service -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -http-addr -reason -service -tls-server-name -token -token-file'
            ;;
        'members')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -detailed -filter -http-addr -partition -segment -status -tls-server-name -token -token-file -wan'
            valued='-ca-file -ca-path -client-cert -client-key -filter -http-addr -partition -segment -status -tls-server-name -token -token-file'
            ;;
        'monitor')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -http-addr -log-json -log-level -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -http-addr -log-level -tls-server-name -token -token-file'
            ;;
        'operator')
            names='autopilot raft usage'
            flags=''
            valued=''
            ;;
        'operator autopilot')
            names='get-config set-config state'
            flags=''
            valued=''
            ;;
        'operator autopilot get-config')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -tls-server-name -token -token-file'
            ;;
        'operator autopilot set-config')
            names=''
            flags='-ca-file -ca-path -cleanup-dead-servers -client-cert -client-key -datacenter -disable-upgrade-migration -http-addr -last-contact-threshold -max-trailing-logs -min-quorum -redundancy-zone-tag -server-stabilization-time -stale -tls-server-name -token -token-file -upgrade-version-tag'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -last-contact-threshold -max-trailing-logs -min-quorum -redundancy-zone-tag -server-stabilization-time -tls-server-name -token -token-file -upgrade-version-tag'
            ;;
        'operator autopilot state')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -format -http-addr -tls-server-name -token -token-file'
            ;;
        'operator raft')
            names='list-peers remove-peer transfer-leader'
            flags=''
            valued=''
            ;;
        'operator raft list-peers')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -tls-server-name -token -token-file'
            ;;
        'operator raft remove-peer')
            names=''
            flags='-address -ca-file -ca-path -client-cert -client-key -datacenter -http-addr -id -stale -tls-server-name -token -token-file'
            valued='-address -ca-file -ca-path -client-cert -client-key -datacenter -http-addr -id -tls-server-name -token -token-file'
            ;;
        'operator raft transfer-leader')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -id -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -id -tls-server-name -token -token-file'
            ;;
        'operator usage')
            names='instances'
            flags=''
            valued=''
            ;;
        'operator usage instances')
            names=''
            flags='-all-datacenters -billable -ca-file -ca-path -client-cert -client-key -connect -datacenter -http-addr -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -tls-server-name -token -token-file'
            ;;
        'reload')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -http-addr -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -http-addr -tls-server-name -token -token-file'
            ;;
        'rtt')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -http-addr -tls-server-name -token -token-file -wan'
            valued='-ca-file -ca-path -client-cert -client-key -http-addr -tls-server-name -token -token-file'
            ;;
        'services')
            names='deregister register'
            flags=''
            valued=''
            ;;
        'services deregister')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -id -namespace -partition -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -id -namespace -partition -tls-server-name -token -token-file'
            ;;
        'services register')
            names=''
            flags='-address -ca-file -ca-path -client-cert -client-key -datacenter -http-addr -id -kind -meta -name -namespace -partition -port -socket -stale -tag -tagged-address -tls-server-name -token -token-file'
            valued='-address -ca-file -ca-path -client-cert -client-key -datacenter -http-addr -id -kind -meta -name -namespace -partition -port -socket -tag -tagged-address -tls-server-name -token -token-file'
            ;;
        'snapshot')
            names='decode inspect restore save'
            flags=''
            valued=''
            ;;
        'snapshot decode')
            names=''
            flags=''
            valued=''
            ;;
        'snapshot inspect')
            names=''
            flags='-format -kvdepth -kvdetails -kvfilter'
            valued='-format -kvdepth -kvfilter'
            ;;
        'snapshot restore')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -stale -tls-server-name -token -token-file'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -http-addr -tls-server-name -token -token-file'
            ;;
        'snapshot save')
            names=''
            flags='-append-filename -ca-file -ca-path -client-cert -client-key -datacenter -http-addr -stale -tls-server-name -token -token-file'
            valued='-append-filename -ca-file -ca-path -client-cert -client-key -datacenter -http-addr -tls-server-name -token -token-file'
            ;;
        'tls')
            names='ca cert'
            flags=''
            valued=''
            ;;
        'tls ca')
            names='create'
            flags=''
            valued=''
            ;;
        'tls ca create')
            names=''
            flags='-additional-name-constraint -cluster-id -common-name -days -domain -name-constraint'
            valued='-additional-name-constraint -cluster-id -common-name -days -domain'
            ;;
        'tls cert')
            names='create'
            flags=''
            valued=''
            ;;
        'tls cert create')
            names=''
            flags='-additional-dnsname -additional-ipaddress -ca -cli -client -days -dc -domain -key -node -server'
            valued='-additional-dnsname -additional-ipaddress -ca -days -dc -domain -key -node'
            ;;
        'validate')
            names=''
            flags='-config-format -quiet'
            valued='-config-format'
            ;;
        'version')
            names=''
            flags='-format'
            valued='-format'
            ;;
        'watch')
            names=''
            flags='-ca-file -ca-path -client-cert -client-key -datacenter -filter -http-addr -key -name -passingonly -prefix -service -shell -stale -state -tag -tls-server-name -token -token-file -type'
            valued='-ca-file -ca-path -client-cert -client-key -datacenter -filter -http-addr -key -name -passingonly -prefix -service -state -tag -tls-server-name -token -token-file -type'
            ;;
    esac
}

# What a value is: of a flag, or of the word with this number.
_tribune_values() {
    kind='' choices=''
    case $1:$2 in
        'acl auth-method create':-ca-file) kind=files ;;
        'acl auth-method create':-ca-path) kind=directories ;;
        'acl auth-method create':-client-cert) kind=files ;;
        'acl auth-method create':-client-key) kind=files ;;
        'acl auth-method create':-datacenter) kind=known ;;
        'acl auth-method create':-format) choices='json pretty' ;;
        'acl auth-method create':-token-file) kind=files ;;
        'acl auth-method create':-type) choices='aws-iam jwt kubernetes' ;;
        'acl auth-method delete':-ca-file) kind=files ;;
        'acl auth-method delete':-ca-path) kind=directories ;;
        'acl auth-method delete':-client-cert) kind=files ;;
        'acl auth-method delete':-client-key) kind=files ;;
        'acl auth-method delete':-datacenter) kind=known ;;
        'acl auth-method delete':-name) kind=known ;;
        'acl auth-method delete':-token-file) kind=files ;;
        'acl auth-method list':-ca-file) kind=files ;;
        'acl auth-method list':-ca-path) kind=directories ;;
        'acl auth-method list':-client-cert) kind=files ;;
        'acl auth-method list':-client-key) kind=files ;;
        'acl auth-method list':-datacenter) kind=known ;;
        'acl auth-method list':-format) choices='json pretty' ;;
        'acl auth-method list':-token-file) kind=files ;;
        'acl auth-method read':-ca-file) kind=files ;;
        'acl auth-method read':-ca-path) kind=directories ;;
        'acl auth-method read':-client-cert) kind=files ;;
        'acl auth-method read':-client-key) kind=files ;;
        'acl auth-method read':-datacenter) kind=known ;;
        'acl auth-method read':-format) choices='json pretty' ;;
        'acl auth-method read':-name) kind=known ;;
        'acl auth-method read':-token-file) kind=files ;;
        'acl auth-method update':-ca-file) kind=files ;;
        'acl auth-method update':-ca-path) kind=directories ;;
        'acl auth-method update':-client-cert) kind=files ;;
        'acl auth-method update':-client-key) kind=files ;;
        'acl auth-method update':-datacenter) kind=known ;;
        'acl auth-method update':-format) choices='json pretty' ;;
        'acl auth-method update':-name) kind=known ;;
        'acl auth-method update':-token-file) kind=files ;;
        'acl binding-rule create':-bind-type) choices='node policy role service templated-policy' ;;
        'acl binding-rule create':-ca-file) kind=files ;;
        'acl binding-rule create':-ca-path) kind=directories ;;
        'acl binding-rule create':-client-cert) kind=files ;;
        'acl binding-rule create':-client-key) kind=files ;;
        'acl binding-rule create':-datacenter) kind=known ;;
        'acl binding-rule create':-format) choices='json pretty' ;;
        'acl binding-rule create':-method) kind=known ;;
        'acl binding-rule create':-token-file) kind=files ;;
        'acl binding-rule delete':-ca-file) kind=files ;;
        'acl binding-rule delete':-ca-path) kind=directories ;;
        'acl binding-rule delete':-client-cert) kind=files ;;
        'acl binding-rule delete':-client-key) kind=files ;;
        'acl binding-rule delete':-datacenter) kind=known ;;
        'acl binding-rule delete':-id) kind=known ;;
        'acl binding-rule delete':-token-file) kind=files ;;
        'acl binding-rule list':-ca-file) kind=files ;;
        'acl binding-rule list':-ca-path) kind=directories ;;
        'acl binding-rule list':-client-cert) kind=files ;;
        'acl binding-rule list':-client-key) kind=files ;;
        'acl binding-rule list':-datacenter) kind=known ;;
        'acl binding-rule list':-format) choices='json pretty' ;;
        'acl binding-rule list':-method) kind=known ;;
        'acl binding-rule list':-token-file) kind=files ;;
        'acl binding-rule read':-ca-file) kind=files ;;
        'acl binding-rule read':-ca-path) kind=directories ;;
        'acl binding-rule read':-client-cert) kind=files ;;
        'acl binding-rule read':-client-key) kind=files ;;
        'acl binding-rule read':-datacenter) kind=known ;;
        'acl binding-rule read':-format) choices='json pretty' ;;
        'acl binding-rule read':-id) kind=known ;;
        'acl binding-rule read':-token-file) kind=files ;;
        'acl binding-rule update':-bind-type) choices='node policy role service templated-policy' ;;
        'acl binding-rule update':-ca-file) kind=files ;;
        'acl binding-rule update':-ca-path) kind=directories ;;
        'acl binding-rule update':-client-cert) kind=files ;;
        'acl binding-rule update':-client-key) kind=files ;;
        'acl binding-rule update':-datacenter) kind=known ;;
        'acl binding-rule update':-format) choices='json pretty' ;;
        'acl binding-rule update':-id) kind=known ;;
        'acl binding-rule update':-token-file) kind=files ;;
        'acl bootstrap':-ca-file) kind=files ;;
        'acl bootstrap':-ca-path) kind=directories ;;
        'acl bootstrap':-client-cert) kind=files ;;
        'acl bootstrap':-client-key) kind=files ;;
        'acl bootstrap':-datacenter) kind=known ;;
        'acl bootstrap':-format) choices='json pretty' ;;
        'acl bootstrap':-token-file) kind=files ;;
        'acl policy create':-ca-file) kind=files ;;
        'acl policy create':-ca-path) kind=directories ;;
        'acl policy create':-client-cert) kind=files ;;
        'acl policy create':-client-key) kind=files ;;
        'acl policy create':-datacenter) kind=known ;;
        'acl policy create':-format) choices='json pretty' ;;
        'acl policy create':-token-file) kind=files ;;
        'acl policy create':-valid-datacenter) kind=known ;;
        'acl policy delete':-ca-file) kind=files ;;
        'acl policy delete':-ca-path) kind=directories ;;
        'acl policy delete':-client-cert) kind=files ;;
        'acl policy delete':-client-key) kind=files ;;
        'acl policy delete':-datacenter) kind=known ;;
        'acl policy delete':-id) kind=known ;;
        'acl policy delete':-name) kind=known ;;
        'acl policy delete':-token-file) kind=files ;;
        'acl policy list':-ca-file) kind=files ;;
        'acl policy list':-ca-path) kind=directories ;;
        'acl policy list':-client-cert) kind=files ;;
        'acl policy list':-client-key) kind=files ;;
        'acl policy list':-datacenter) kind=known ;;
        'acl policy list':-format) choices='json pretty' ;;
        'acl policy list':-token-file) kind=files ;;
        'acl policy read':-ca-file) kind=files ;;
        'acl policy read':-ca-path) kind=directories ;;
        'acl policy read':-client-cert) kind=files ;;
        'acl policy read':-client-key) kind=files ;;
        'acl policy read':-datacenter) kind=known ;;
        'acl policy read':-format) choices='json pretty' ;;
        'acl policy read':-id) kind=known ;;
        'acl policy read':-name) kind=known ;;
        'acl policy read':-token-file) kind=files ;;
        'acl policy update':-ca-file) kind=files ;;
        'acl policy update':-ca-path) kind=directories ;;
        'acl policy update':-client-cert) kind=files ;;
        'acl policy update':-client-key) kind=files ;;
        'acl policy update':-datacenter) kind=known ;;
        'acl policy update':-format) choices='json pretty' ;;
        'acl policy update':-id) kind=known ;;
        'acl policy update':-token-file) kind=files ;;
        'acl policy update':-valid-datacenter) kind=known ;;
        'acl role create':-ca-file) kind=files ;;
        'acl role create':-ca-path) kind=directories ;;
        'acl role create':-client-cert) kind=files ;;
        'acl role create':-client-key) kind=files ;;
        'acl role create':-datacenter) kind=known ;;
        'acl role create':-format) choices='json pretty' ;;
        'acl role create':-policy-id) kind=known ;;
        'acl role create':-policy-name) kind=known ;;
        'acl role create':-service-identity) kind=known ;;
        'acl role create':-templated-policy) kind=known ;;
        'acl role create':-templated-policy-file) kind=files ;;
        'acl role create':-token-file) kind=files ;;
        'acl role delete':-ca-file) kind=files ;;
        'acl role delete':-ca-path) kind=directories ;;
        'acl role delete':-client-cert) kind=files ;;
        'acl role delete':-client-key) kind=files ;;
        'acl role delete':-datacenter) kind=known ;;
        'acl role delete':-id) kind=known ;;
        'acl role delete':-name) kind=known ;;
        'acl role delete':-token-file) kind=files ;;
        'acl role list':-ca-file) kind=files ;;
        'acl role list':-ca-path) kind=directories ;;
        'acl role list':-client-cert) kind=files ;;
        'acl role list':-client-key) kind=files ;;
        'acl role list':-datacenter) kind=known ;;
        'acl role list':-format) choices='json pretty' ;;
        'acl role list':-token-file) kind=files ;;
        'acl role read':-ca-file) kind=files ;;
        'acl role read':-ca-path) kind=directories ;;
        'acl role read':-client-cert) kind=files ;;
        'acl role read':-client-key) kind=files ;;
        'acl role read':-datacenter) kind=known ;;
        'acl role read':-format) choices='json pretty' ;;
        'acl role read':-id) kind=known ;;
        'acl role read':-name) kind=known ;;
        'acl role read':-token-file) kind=files ;;
        'acl role update':-append-templated-policy) kind=known ;;
        'acl role update':-append-templated-policy-file) kind=files ;;
        'acl role update':-ca-file) kind=files ;;
        'acl role update':-ca-path) kind=directories ;;
        'acl role update':-client-cert) kind=files ;;
        'acl role update':-client-key) kind=files ;;
        'acl role update':-datacenter) kind=known ;;
        'acl role update':-format) choices='json pretty' ;;
        'acl role update':-id) kind=known ;;
        'acl role update':-policy-id) kind=known ;;
        'acl role update':-policy-name) kind=known ;;
        'acl role update':-replace-templated-policy) kind=known ;;
        'acl role update':-replace-templated-policy-file) kind=files ;;
        'acl role update':-service-identity) kind=known ;;
        'acl role update':-token-file) kind=files ;;
        'acl set-agent-token':-ca-file) kind=files ;;
        'acl set-agent-token':-ca-path) kind=directories ;;
        'acl set-agent-token':-client-cert) kind=files ;;
        'acl set-agent-token':-client-key) kind=files ;;
        'acl set-agent-token':-datacenter) kind=known ;;
        'acl set-agent-token':-token-file) kind=files ;;
        'acl set-agent-token':0) choices='agent config_file_service_registration default dns recovery replication' ;;
        'acl templated-policy list':-ca-file) kind=files ;;
        'acl templated-policy list':-ca-path) kind=directories ;;
        'acl templated-policy list':-client-cert) kind=files ;;
        'acl templated-policy list':-client-key) kind=files ;;
        'acl templated-policy list':-datacenter) kind=known ;;
        'acl templated-policy list':-format) choices='json pretty' ;;
        'acl templated-policy list':-token-file) kind=files ;;
        'acl templated-policy preview':-ca-file) kind=files ;;
        'acl templated-policy preview':-ca-path) kind=directories ;;
        'acl templated-policy preview':-client-cert) kind=files ;;
        'acl templated-policy preview':-client-key) kind=files ;;
        'acl templated-policy preview':-datacenter) kind=known ;;
        'acl templated-policy preview':-file) kind=files ;;
        'acl templated-policy preview':-format) choices='json pretty' ;;
        'acl templated-policy preview':-name) kind=known ;;
        'acl templated-policy preview':-token-file) kind=files ;;
        'acl templated-policy read':-ca-file) kind=files ;;
        'acl templated-policy read':-ca-path) kind=directories ;;
        'acl templated-policy read':-client-cert) kind=files ;;
        'acl templated-policy read':-client-key) kind=files ;;
        'acl templated-policy read':-datacenter) kind=known ;;
        'acl templated-policy read':-format) choices='json pretty' ;;
        'acl templated-policy read':-name) kind=known ;;
        'acl templated-policy read':-token-file) kind=files ;;
        'acl token clone':-accessor-id) kind=known ;;
        'acl token clone':-ca-file) kind=files ;;
        'acl token clone':-ca-path) kind=directories ;;
        'acl token clone':-client-cert) kind=files ;;
        'acl token clone':-client-key) kind=files ;;
        'acl token clone':-datacenter) kind=known ;;
        'acl token clone':-format) choices='json pretty' ;;
        'acl token clone':-token-file) kind=files ;;
        'acl token create':-ca-file) kind=files ;;
        'acl token create':-ca-path) kind=directories ;;
        'acl token create':-client-cert) kind=files ;;
        'acl token create':-client-key) kind=files ;;
        'acl token create':-datacenter) kind=known ;;
        'acl token create':-format) choices='json pretty' ;;
        'acl token create':-policy-id) kind=known ;;
        'acl token create':-policy-name) kind=known ;;
        'acl token create':-role-id) kind=known ;;
        'acl token create':-role-name) kind=known ;;
        'acl token create':-service-identity) kind=known ;;
        'acl token create':-templated-policy) kind=known ;;
        'acl token create':-templated-policy-file) kind=files ;;
        'acl token create':-token-file) kind=files ;;
        'acl token delete':-accessor-id) kind=known ;;
        'acl token delete':-ca-file) kind=files ;;
        'acl token delete':-ca-path) kind=directories ;;
        'acl token delete':-client-cert) kind=files ;;
        'acl token delete':-client-key) kind=files ;;
        'acl token delete':-datacenter) kind=known ;;
        'acl token delete':-token-file) kind=files ;;
        'acl token list':-ca-file) kind=files ;;
        'acl token list':-ca-path) kind=directories ;;
        'acl token list':-client-cert) kind=files ;;
        'acl token list':-client-key) kind=files ;;
        'acl token list':-datacenter) kind=known ;;
        'acl token list':-format) choices='json pretty' ;;
        'acl token list':-token-file) kind=files ;;
        'acl token read':-accessor-id) kind=known ;;
        'acl token read':-ca-file) kind=files ;;
        'acl token read':-ca-path) kind=directories ;;
        'acl token read':-client-cert) kind=files ;;
        'acl token read':-client-key) kind=files ;;
        'acl token read':-datacenter) kind=known ;;
        'acl token read':-format) choices='json pretty' ;;
        'acl token read':-token-file) kind=files ;;
        'acl token update':-accessor-id) kind=known ;;
        'acl token update':-append-policy-id) kind=known ;;
        'acl token update':-append-policy-name) kind=known ;;
        'acl token update':-append-role-id) kind=known ;;
        'acl token update':-append-role-name) kind=known ;;
        'acl token update':-append-service-identity) kind=known ;;
        'acl token update':-append-templated-policy) kind=known ;;
        'acl token update':-append-templated-policy-file) kind=files ;;
        'acl token update':-ca-file) kind=files ;;
        'acl token update':-ca-path) kind=directories ;;
        'acl token update':-client-cert) kind=files ;;
        'acl token update':-client-key) kind=files ;;
        'acl token update':-datacenter) kind=known ;;
        'acl token update':-format) choices='json pretty' ;;
        'acl token update':-policy-id) kind=known ;;
        'acl token update':-policy-name) kind=known ;;
        'acl token update':-replace-templated-policy) kind=known ;;
        'acl token update':-replace-templated-policy-file) kind=files ;;
        'acl token update':-role-id) kind=known ;;
        'acl token update':-role-name) kind=known ;;
        'acl token update':-service-identity) kind=known ;;
        'acl token update':-token-file) kind=files ;;
        'agent':-config-dir) kind=directories ;;
        'agent':-config-file) kind=files ;;
        'agent':-config-format) choices='hcl json' ;;
        'agent':-data-dir) kind=directories ;;
        'agent':-log-file) kind=files ;;
        'agent':-log-level) choices='debug err info trace warn' ;;
        'agent':-pid-file) kind=files ;;
        'agent':-ui-dir) kind=directories ;;
        'catalog datacenters':-ca-file) kind=files ;;
        'catalog datacenters':-ca-path) kind=directories ;;
        'catalog datacenters':-client-cert) kind=files ;;
        'catalog datacenters':-client-key) kind=files ;;
        'catalog datacenters':-datacenter) kind=known ;;
        'catalog datacenters':-token-file) kind=files ;;
        'catalog nodes':-ca-file) kind=files ;;
        'catalog nodes':-ca-path) kind=directories ;;
        'catalog nodes':-client-cert) kind=files ;;
        'catalog nodes':-client-key) kind=files ;;
        'catalog nodes':-datacenter) kind=known ;;
        'catalog nodes':-near) kind=known ;;
        'catalog nodes':-service) kind=known ;;
        'catalog nodes':-token-file) kind=files ;;
        'catalog services':-ca-file) kind=files ;;
        'catalog services':-ca-path) kind=directories ;;
        'catalog services':-client-cert) kind=files ;;
        'catalog services':-client-key) kind=files ;;
        'catalog services':-datacenter) kind=known ;;
        'catalog services':-node) kind=known ;;
        'catalog services':-token-file) kind=files ;;
        'connect ca get-config':-ca-file) kind=files ;;
        'connect ca get-config':-ca-path) kind=directories ;;
        'connect ca get-config':-client-cert) kind=files ;;
        'connect ca get-config':-client-key) kind=files ;;
        'connect ca get-config':-datacenter) kind=known ;;
        'connect ca get-config':-token-file) kind=files ;;
        'connect ca set-config':-ca-file) kind=files ;;
        'connect ca set-config':-ca-path) kind=directories ;;
        'connect ca set-config':-client-cert) kind=files ;;
        'connect ca set-config':-client-key) kind=files ;;
        'connect ca set-config':-datacenter) kind=known ;;
        'connect ca set-config':-token-file) kind=files ;;
        'debug':-ca-file) kind=files ;;
        'debug':-ca-path) kind=directories ;;
        'debug':-client-cert) kind=files ;;
        'debug':-client-key) kind=files ;;
        'debug':-output) kind=files ;;
        'debug':-token-file) kind=files ;;
        'event':-ca-file) kind=files ;;
        'event':-ca-path) kind=directories ;;
        'event':-client-cert) kind=files ;;
        'event':-client-key) kind=files ;;
        'event':-name) kind=known ;;
        'event':-node) kind=known ;;
        'event':-service) kind=known ;;
        'event':-token-file) kind=files ;;
        'exec':-ca-file) kind=files ;;
        'exec':-ca-path) kind=directories ;;
        'exec':-client-cert) kind=files ;;
        'exec':-client-key) kind=files ;;
        'exec':-datacenter) kind=known ;;
        'exec':-node) kind=known ;;
        'exec':-service) kind=known ;;
        'exec':-token-file) kind=files ;;
        'force-leave':-ca-file) kind=files ;;
        'force-leave':-ca-path) kind=directories ;;
        'force-leave':-client-cert) kind=files ;;
        'force-leave':-client-key) kind=files ;;
        'force-leave':-token-file) kind=files ;;
        'force-leave':0) kind=known ;;
        'info':-ca-file) kind=files ;;
        'info':-ca-path) kind=directories ;;
        'info':-client-cert) kind=files ;;
        'info':-client-key) kind=files ;;
        'info':-token-file) kind=files ;;
        'join':-ca-file) kind=files ;;
        'join':-ca-path) kind=directories ;;
        'join':-client-cert) kind=files ;;
        'join':-client-key) kind=files ;;
        'join':-token-file) kind=files ;;
        'keyring':-ca-file) kind=files ;;
        'keyring':-ca-path) kind=directories ;;
        'keyring':-client-cert) kind=files ;;
        'keyring':-client-key) kind=files ;;
        'keyring':-token-file) kind=files ;;
        'kv delete':-ca-file) kind=files ;;
        'kv delete':-ca-path) kind=directories ;;
        'kv delete':-client-cert) kind=files ;;
        'kv delete':-client-key) kind=files ;;
        'kv delete':-datacenter) kind=known ;;
        'kv delete':-token-file) kind=files ;;
        'kv delete':0) kind=known ;;
        'kv export':-ca-file) kind=files ;;
        'kv export':-ca-path) kind=directories ;;
        'kv export':-client-cert) kind=files ;;
        'kv export':-client-key) kind=files ;;
        'kv export':-datacenter) kind=known ;;
        'kv export':-token-file) kind=files ;;
        'kv export':0) kind=known ;;
        'kv get':-ca-file) kind=files ;;
        'kv get':-ca-path) kind=directories ;;
        'kv get':-client-cert) kind=files ;;
        'kv get':-client-key) kind=files ;;
        'kv get':-datacenter) kind=known ;;
        'kv get':-token-file) kind=files ;;
        'kv get':0) kind=known ;;
        'kv import':-ca-file) kind=files ;;
        'kv import':-ca-path) kind=directories ;;
        'kv import':-client-cert) kind=files ;;
        'kv import':-client-key) kind=files ;;
        'kv import':-datacenter) kind=known ;;
        'kv import':-prefix) kind=known ;;
        'kv import':-token-file) kind=files ;;
        'kv put':-ca-file) kind=files ;;
        'kv put':-ca-path) kind=directories ;;
        'kv put':-client-cert) kind=files ;;
        'kv put':-client-key) kind=files ;;
        'kv put':-datacenter) kind=known ;;
        'kv put':-token-file) kind=files ;;
        'kv put':0) kind=known ;;
        'leave':-ca-file) kind=files ;;
        'leave':-ca-path) kind=directories ;;
        'leave':-client-cert) kind=files ;;
        'leave':-client-key) kind=files ;;
        'leave':-token-file) kind=files ;;
        'lock':-ca-file) kind=files ;;
        'lock':-ca-path) kind=directories ;;
        'lock':-client-cert) kind=files ;;
        'lock':-client-key) kind=files ;;
        'lock':-datacenter) kind=known ;;
        'lock':-token-file) kind=files ;;
        'lock':0) kind=known ;;
        'login':-bearer-token-file) kind=files ;;
        'login':-ca-file) kind=files ;;
        'login':-ca-path) kind=directories ;;
        'login':-client-cert) kind=files ;;
        'login':-client-key) kind=files ;;
        'login':-datacenter) kind=known ;;
        'login':-method) kind=known ;;
        'login':-token-file) kind=files ;;
        'login':-token-sink-file) kind=files ;;
        'login':-type) choices='aws-iam jwt kubernetes' ;;
        'logout':-ca-file) kind=files ;;
        'logout':-ca-path) kind=directories ;;
        'logout':-client-cert) kind=files ;;
        'logout':-client-key) kind=files ;;
        'logout':-datacenter) kind=known ;;
        'logout':-token-file) kind=files ;;
        'maint':-ca-file) kind=files ;;
        'maint':-ca-path) kind=directories ;;
        'maint':-client-cert) kind=files ;;
        'maint':-client-key) kind=files ;;
        'maint':-service) kind=known ;;
        'maint':-token-file) kind=files ;;
        'members':-ca-file) kind=files ;;
        'members':-ca-path) kind=directories ;;
        'members':-client-cert) kind=files ;;
        'members':-client-key) kind=files ;;
        'members':-token-file) kind=files ;;
        'monitor':-ca-file) kind=files ;;
        'monitor':-ca-path) kind=directories ;;
        'monitor':-client-cert) kind=files ;;
        'monitor':-client-key) kind=files ;;
        'monitor':-log-level) choices='debug err info trace warn' ;;
        'monitor':-token-file) kind=files ;;
        'operator autopilot get-config':-ca-file) kind=files ;;
        'operator autopilot get-config':-ca-path) kind=directories ;;
        'operator autopilot get-config':-client-cert) kind=files ;;
        'operator autopilot get-config':-client-key) kind=files ;;
        'operator autopilot get-config':-datacenter) kind=known ;;
        'operator autopilot get-config':-token-file) kind=files ;;
        'operator autopilot set-config':-ca-file) kind=files ;;
        'operator autopilot set-config':-ca-path) kind=directories ;;
        'operator autopilot set-config':-client-cert) kind=files ;;
        'operator autopilot set-config':-client-key) kind=files ;;
        'operator autopilot set-config':-datacenter) kind=known ;;
        'operator autopilot set-config':-token-file) kind=files ;;
        'operator autopilot state':-ca-file) kind=files ;;
        'operator autopilot state':-ca-path) kind=directories ;;
        'operator autopilot state':-client-cert) kind=files ;;
        'operator autopilot state':-client-key) kind=files ;;
        'operator autopilot state':-datacenter) kind=known ;;
        'operator autopilot state':-format) choices='json pretty' ;;
        'operator autopilot state':-token-file) kind=files ;;
        'operator raft list-peers':-ca-file) kind=files ;;
        'operator raft list-peers':-ca-path) kind=directories ;;
        'operator raft list-peers':-client-cert) kind=files ;;
        'operator raft list-peers':-client-key) kind=files ;;
        'operator raft list-peers':-datacenter) kind=known ;;
        'operator raft list-peers':-token-file) kind=files ;;
        'operator raft remove-peer':-address) kind=known ;;
        'operator raft remove-peer':-ca-file) kind=files ;;
        'operator raft remove-peer':-ca-path) kind=directories ;;
        'operator raft remove-peer':-client-cert) kind=files ;;
        'operator raft remove-peer':-client-key) kind=files ;;
        'operator raft remove-peer':-datacenter) kind=known ;;
        'operator raft remove-peer':-id) kind=known ;;
        'operator raft remove-peer':-token-file) kind=files ;;
        'operator raft transfer-leader':-ca-file) kind=files ;;
        'operator raft transfer-leader':-ca-path) kind=directories ;;
        'operator raft transfer-leader':-client-cert) kind=files ;;
        'operator raft transfer-leader':-client-key) kind=files ;;
        'operator raft transfer-leader':-datacenter) kind=known ;;
        'operator raft transfer-leader':-id) kind=known ;;
        'operator raft transfer-leader':-token-file) kind=files ;;
        'operator usage instances':-ca-file) kind=files ;;
        'operator usage instances':-ca-path) kind=directories ;;
        'operator usage instances':-client-cert) kind=files ;;
        'operator usage instances':-client-key) kind=files ;;
        'operator usage instances':-datacenter) kind=known ;;
        'operator usage instances':-token-file) kind=files ;;
        'reload':-ca-file) kind=files ;;
        'reload':-ca-path) kind=directories ;;
        'reload':-client-cert) kind=files ;;
        'reload':-client-key) kind=files ;;
        'reload':-token-file) kind=files ;;
        'rtt':-ca-file) kind=files ;;
        'rtt':-ca-path) kind=directories ;;
        'rtt':-client-cert) kind=files ;;
        'rtt':-client-key) kind=files ;;
        'rtt':-token-file) kind=files ;;
        'rtt':0) kind=known ;;
        'rtt':1) kind=known ;;
        'services deregister':-ca-file) kind=files ;;
        'services deregister':-ca-path) kind=directories ;;
        'services deregister':-client-cert) kind=files ;;
        'services deregister':-client-key) kind=files ;;
        'services deregister':-datacenter) kind=known ;;
        'services deregister':-id) kind=known ;;
        'services deregister':-token-file) kind=files ;;
        'services deregister':[0-9]*) kind=files ;;
        'services register':-ca-file) kind=files ;;
        'services register':-ca-path) kind=directories ;;
        'services register':-client-cert) kind=files ;;
        'services register':-client-key) kind=files ;;
        'services register':-datacenter) kind=known ;;
        'services register':-name) kind=known ;;
        'services register':-token-file) kind=files ;;
        'services register':[0-9]*) kind=files ;;
        'snapshot decode':0) kind=files ;;
        'snapshot inspect':-format) choices='json pretty' ;;
        'snapshot inspect':-kvfilter) kind=known ;;
        'snapshot inspect':0) kind=files ;;
        'snapshot restore':-ca-file) kind=files ;;
        'snapshot restore':-ca-path) kind=directories ;;
        'snapshot restore':-client-cert) kind=files ;;
        'snapshot restore':-client-key) kind=files ;;
        'snapshot restore':-datacenter) kind=known ;;
        'snapshot restore':-token-file) kind=files ;;
        'snapshot restore':0) kind=files ;;
        'snapshot save':-ca-file) kind=files ;;
        'snapshot save':-ca-path) kind=directories ;;
        'snapshot save':-client-cert) kind=files ;;
        'snapshot save':-client-key) kind=files ;;
        'snapshot save':-datacenter) kind=known ;;
        'snapshot save':-token-file) kind=files ;;
        'snapshot save':0) kind=files ;;
        'tls cert create':-ca) kind=files ;;
        'tls cert create':-key) kind=files ;;
        'validate':-config-format) choices='hcl json' ;;
        'validate':[0-9]*) kind=files ;;
        'version':-format) choices='json pretty' ;;
        'watch':-ca-file) kind=files ;;
        'watch':-ca-path) kind=directories ;;
        'watch':-client-cert) kind=files ;;
        'watch':-client-key) kind=files ;;
        'watch':-datacenter) kind=known ;;
        'watch':-key) kind=known ;;
        'watch':-name) kind=known ;;
        'watch':-passingonly) choices='false true' ;;
        'watch':-prefix) kind=known ;;
        'watch':-service) kind=known ;;
        'watch':-state) choices='any critical passing warning' ;;
        'watch':-token-file) kind=files ;;
        'watch':-type) choices='checks event key keyprefix node nodes service services' ;;
    esac
}

_tribune() {
    local names flags valued kind choices word flag='' place=name command='' count=0 i rest=$COMP_LINE
    local -a words=()
    COMPREPLY=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((i > 0)) && [[ $rest == "$word"* && $rest != [[:blank:]]* ]]; then
            words[${#words[@]} - 1]+=$word
        else
            rest=${rest#"${rest%%[![:blank:]]*}"}
            words+=("$word")
        fi
        rest=${rest#"$word"}
    done
    local last=$((${#words[@]} - 1))
    local typed=${words[last]}

    _tribune_table ''
    for ((i = 1; i < last; i++)); do
        word=${words[i]}
        if [[ $place == name ]]; then
            if [[ " $names " == *" $word "* ]]; then
                command="${command:+$command }$word"
                _tribune_table "$command"
                continue
            fi
            [[ -n $command ]] || return 0
            place=flag
        fi
        if [[ $place == word ]]; then
            ((count += 1))
        elif [[ -n $flag ]]; then
            flag=''
        elif [[ $word == -- ]]; then
            place=word
        elif [[ $word == -?* ]]; then
            [[ $word == --* ]] && word=${word#-}
            [[ " $valued " == *" $word "* ]] && flag=$word
        else
            place=word count=1
        fi
    done

    if [[ -n $flag ]]; then
        _tribune_values "$command" "$flag"
    elif [[ $place != word && $typed == -*=* ]]; then
        word=${typed%%=*}
        [[ $word == --* ]] && word=${word#-}
        _tribune_values "$command" "$word"
        typed=${typed#*=}
    elif [[ $place != word && $typed == -* ]]; then
        [[ $typed == --* ]] && typed=${typed#-}
        mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$typed")
        return 0
    elif [[ $place == name && -n $names ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$names" -- "$typed")
        return 0
    else
        _tribune_values "$command" "$count"
    fi

    if [[ -n $choices ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$typed")
    elif [[ $kind == known ]]; then
        mapfile -t COMPREPLY < <(COMP_LINE=$COMP_LINE COMP_POINT=$COMP_POINT COMP_TYPE=9 "${1/#\~\//$HOME/}" "$1" "$2" 2>/dev/null)
        # a folder is not the end of a key
        [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == */ ]] && compopt -o nospace 2>/dev/null
    elif [[ $kind == files ]]; then
        compopt -o default 2>/dev/null
    elif [[ $kind == directories ]]; then
        compopt -o dirnames 2>/dev/null
    fi
    return 0
}

complete -F _tribune tribune
