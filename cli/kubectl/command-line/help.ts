/** The text of `kubectl porthole --help` and of its manual page. */
export const HELP = `Usage: kubectl porthole [KUBECTL OPTIONS] [COMMAND] [OPTIONS] TARGET...
       kubectl porthole -l SELECTOR [COMMAND] [OPTIONS] [[CONTAINER]:PATH...]

Run porthole on the nodes of pods, or with --ephemeral in the pods. Their
images need no shell. Standard output, exit status and signals are those of
porthole there. Commands on several pods run on each node; their output is
merged here.

A target is POD[/CONTAINER]:PATH. POD may be a glob: 'web-*', or a workload or
service whose pods are meant: deploy/web, svc/web[/CONTAINER]. PATH is /path, or
@logs, @stdout, @stderr: what the container printed.

Commands: cat, cp, head, tail, ls, stat, find, grep, hexdump, ps, open (the
default), browse, doctor. porthole COMMAND --help shows their options.

Options:
  -n, --namespace NAME     namespace of the pods (default: the context's)
  -A, --all-namespaces     pods of all namespaces
  -l, --selector SELECTOR  all pods with these labels; without a path: @logs
  -c, --container NAME     container of targets that name none; may be a glob
  --all-containers         the same as -c '*'
  --image IMAGE            make a helper pod from this image on nodes without
                           one; it is removed at the end
  --ephemeral              run in an ephemeral container of the pod, made from
                           --image; needs no helper pod and no right on the
                           node. It ends after 10 minutes without a command;
                           Kubernetes cannot remove its entry from the pod
  --profile PROFILE        profile of kubectl debug for --ephemeral (default:
                           restricted for a container that does not run as
                           root, otherwise general, or baseline if that is
                           refused)
  --helper-namespace NAME  namespace of the helper pods (default: porthole)
  --context, --kubeconfig, --cluster, --user, --as, --server, ...
                           as for kubectl
  They come before the command, or after it if the command has no option of
  that name: grep -n and ls -l are the command's, ls -n is the namespace. tail -n
  and head -n take a number of lines or a namespace, -c a number of bytes or a
  container.

kubectl apply -k docker/kubernetes makes a helper pod on each node.

Examples:
  kubectl porthole tail -F -n shop web-0:/var/log/app.log
  kubectl porthole tail -F --merge -l app=web -c app --since 10m
  kubectl porthole tail -F --prefix deploy/web:@logs
  kubectl porthole -n shop grep -n ERROR 'web-*:/var/log/app.log'
  kubectl porthole ls web-0/nginx:/etc/nginx
  kubectl porthole cp web-0:/var/log/app.log .
  kubectl porthole --image registry.example/porthole web-0:/var/log/app.log
  kubectl porthole --ephemeral --image registry.example/porthole ls web-0:/etc

Exit status: that of porthole; 3: no kubectl, no such pod, or kubectl failed;
4: no helper pod on the node; 5: the connection was lost.
`;
