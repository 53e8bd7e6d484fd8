#!/usr/bin/env bats
# No file that a call did not make is ever removed or changed: the failures of every verb, made from the
# calls of tree.bash, which tree.bats checks.

load support
load tree

setup_file() {
    prepare "$BATS_FILE_TMPDIR"
    export REVERIE SOURCE
    make_world "$BATS_FILE_TMPDIR"
}

setup() {
    enter_world
}

@test "an option, a value or a setting that cannot be" {
    local verb name letter value
    for verb in $(verbs); do
        first_call "$verb"
        while read -r name letter value; do
            if [ "$value" = - ]; then
                calls 2 "$writes" "${words[@]}" "--$name=notes.txt/none"
            else # no number and no choice, and a file where a path would have a folder
                calls '2|3|4' "$writes" "${words[@]}" "--$name" notes.txt/none
            fi
        done < <(own_options "$verb")
        calls 2 "$writes" "${words[@]}" --nothing
        calls 2 "$writes" "${words[@]}" nothing=1
    done
}

@test "a run that is not there, is none, is damaged, or whose data are missing" {
    local verb run
    for verb in $(verbs); do
        first_call "$verb"
        takes_run "$verb" || continue
        for run in nowhere notes.txt empty photos folder-link dangling; do
            words[1]=$run
            calls '2|3|4' "$writes" "${words[@]}"
        done
        for run in lost damaged; do
            words[1]=$run
            [[ $writes == run:* ]] && writes=run:$run
            calls '0|2|3|4' "$writes" "${words[@]}"
        done
    done
}

# Of one verb each: the code, what the call would write, and its words.
bad_calls() {
    cat <<'CALLS'
2,-                nothing
2,-                --run made
2,-                trian "${VAE[@]}" --run made
2,run:photos       train "${VAE[@]}" --run photos
2,run:photos       train "${VAE[@]}" --run photos --force
2,run:vae          train "${VAE[@]}" --run vae
2,run:photos/empty train "${VAE[@]}" --run photos/empty --from vae/checkpoints/step-00000006.safetensors
2,run:list         train "${VAE[@]}" --run list
4,run:notes.txt    train "${VAE[@]}" --run notes.txt
4,run:notes.txt/in train "${VAE[@]}" --run notes.txt/in
4,run:link         train "${VAE[@]}" --run link
4,run:dangling     train "${VAE[@]}" --run dangling
3,run:new/in       train "${VAE[@]}" --run new/in --from nowhere.safetensors
3,run:new/in       train "${VAE[@]}" --run new/in --from damaged/checkpoints/best.safetensors
3,run:again        train "${VAE[@]}" --run again --force --from notes.txt
3,run:new/in       train "${VAE[@]}" latent=3 --run new/in --from vae/checkpoints/best.safetensors
2,run:new/in       train "${VAE[@]}" data.batch=1 "encoder=[linear 8, batchnorm]" --run new/in
3,run:again        train "${VAE[@]}" latent=3 --run again --force --from vae/checkpoints/best.safetensors
3,run:new/in       train "${VAE[@]}" data.name=gone --run new/in
3,run:again        train "${VAE[@]}" data.name=gone --run again --force
2,run:new/in       train "${VAE[@]}" train.lr=fast --run new/in
2,run:again        train "${VAE[@]}" train.lr=fast --run again --force
5,run:again        train "${VAE[@]}" train.optimizer=sgd train.lr=1e6 likelihood=gaussian likelihood_deviation=1e-6 --run again --force
3,run:new          train nowhere --run new
3,run:new          train notes.txt --run new
3,run:vae          resume vae latent=3
3,run:vae          resume vae train.epochs=3 --from nowhere.safetensors
2,run:vae          resume vae train.epochs=3 --from notes.txt
2,run:vae          resume vae train.epochs=3 --from damaged/checkpoints/best.safetensors
3,run:lost         resume lost train.epochs=3
2,-                evaluate gan
3,-                evaluate vae --weights ema --checkpoint notes.txt
2,-                evaluate vae --count 3
3,mine.png         evaluate gan --classifier nowhere -o mine.png
2,mine.png         evaluate gan --classifier vae -o mine.png
3,mine.png         evaluate gan --classifier damaged -o mine.png
3,mine.png         evaluate gan --classifier judge --images notes.txt -o mine.png
2,mine.png         sample judge -o mine.png
2,mine.png         sample m2 --class 9 -o mine.png
3,mine.png         sample vae --checkpoint nowhere -o mine.png
3,mine.png         sample vae --checkpoint damaged/checkpoints/best.safetensors -o mine.png
3,mine.png         reconstruct lost -o mine.png
2,mine.png         reconstruct gan -o mine.png
2,mine.png         interpolate judge -o mine.png
2,mine.png         traverse vae --dim 9 -o mine.png
3,mine.png         traverse vae --classifier nowhere -o mine.png
2,mine.png         inpaint gan -o mine.png
3,mine.png         inpaint lost -o mine.png
2,mine.png         inpaint vae --mask notes.txt -o mine.png
3,mine.npy         encode lost -o mine.npy
2,mine.npy         encode gan -o mine.npy
3,mine.png         decode vae -i notes.txt -o mine.png
2,mine.png         decode vae -i images.npy -o mine.png
3,mine.npy         classify judge -i notes.txt -o mine.npy
2,mine.npy         classify judge -i codes.npy -o mine.npy
2,mine.npy         classify gan -i images.npy -o mine.npy
2,-                probe gan
2,-                probe vae --labels 7
3,-                probe lost
2,mine.png         figure vae nothing -o mine.png
2,mine.png         figure gan latent -o mine.png
2,mine.png         figure vae classes -o mine.png
3,mine.png         figure lost latent -o mine.png
2,mine.png         figure vae collage --image 9999 -o mine.png
2,mine.png         demo nothing -o mine.png
2,mine.png         demo gradient-variance -n 3 -o mine.png
3,-                bench nowhere
3,-                bench "${VAE[@]}" data.name=gone
3,-                show nowhere
3,-                study nowhere.yaml
3,run:new          study notes.txt --folder new
3,run:new          study tiny.yaml --folder new data.name=gone
2,run:new          study tiny.yaml --folder new latent=3
2,run:vae          study tiny.yaml --folder vae
2,run:report       study tiny.yaml --folder report
2,run:list         study tiny.yaml --folder list
4,run:notes.txt    study tiny.yaml --folder notes.txt
2,-                runs nothing
2,-                runs compare
3,-                runs compare vae nowhere
2,-                recipes much
3,mine.png         data show gone -o mine.png
2,mine.png         data show -o mine.png
2,-                data nothing
3,-                inspect damaged/checkpoints/best.safetensors
3,-                inspect vae
3,-                inspect notes.txt
2,mine.dot         inspect gan --program --turn 9 --dot mine.dot --data-dir data
3,mine.dot         inspect lost --program --dot mine.dot
CALLS
}

@test "failures of one verb each" {
    local line
    mkdir list report
    echo mine > list/.reverie-files
    echo mine > report/report.html
    look
    while IFS= read -r line <&3; do
        take_line "$line"
        calls "${writes%,*}" "${writes#*,}" "${words[@]}"
    done 3< <(bad_calls)
}
